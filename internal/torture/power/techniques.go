//go:build linux

// Package power cuts the power: of a store at work, of one that is being made, and of a file system.
package power

import "github.com/boltsession/session/internal/torture/trial"

// Techniques are the ways to break promises that are here.
var Techniques = []trial.Technique{power, ext4, create}

// Roles are the processes that they need.
var Roles = trial.Roles{
	"founder": playFounder,
	"looker":  playLooker,
	"scribe":  playScribe,
}
