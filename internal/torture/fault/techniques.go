//go:build linux

// Package fault has system calls on the store's file fail, and leaves it no room.
package fault

import "github.com/boltsession/session/internal/torture/trial"

// Techniques are the ways to break promises that are here.
var Techniques = []trial.Technique{
	{
		Name:   "ioerror",
		What:   "system calls on the file fail, at every position of a commit and around it",
		Proves: "5, 6",
		Breaks: "a store that takes a failed commit for one that was rolled back",
		Run:    ioerror,
	},
	{
		Name:   "full",
		What:   "no room: a full disk, a limit on the file's size, MaxSize",
		Proves: "7",
		Breaks: "a store without ErrFull, owed ends and reaper",
		Run:    full,
	},
}

// Roles are the processes that they need.
var Roles = trial.Roles{"full": playFull, "ioerror": playIOError}
