//go:build linux

// Package damage damages files, and puts the wrong things where one should be.
package damage

import "github.com/boltsession/session/internal/torture/trial"

// Techniques are the ways to break promises that are here.
var Techniques = []trial.Technique{damage, paths}

// Roles are the processes that they need.
var Roles = trial.Roles{
	"stock":     playStock,
	"surveyor":  playSurveyor,
	"recoverer": playRecoverer,
	"living":    playLiving,
	"checker":   playChecker,
	"opener":    playOpener,
	"holder":    playHolder,
}
