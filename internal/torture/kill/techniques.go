//go:build linux

// Package kill kills a process that works on a store, at random moments.
package kill

import "github.com/boltsession/session/internal/torture/trial"

// Techniques are the ways to break promises that are here.
var Techniques = []trial.Technique{
	{
		Name:   "kill",
		What:   "kill -9 at random moments under 64 writers",
		Proves: "1",
		Breaks: "SyncEvery of a second is taken for durable",
		Run:    kill,
	},
	{
		Name:   "copy",
		What:   "kill -9 in the middle of backups and compactions",
		Proves: "8",
		Breaks: "the copy is made by io.Copy",
		Run:    copying,
	},
}

// Roles are the processes that they need.
var Roles = trial.Roles{"app": playApp}
