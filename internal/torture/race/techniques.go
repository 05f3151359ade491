//go:build linux

// Package race has much happen at once: ends and saves, everything for half a minute, a large reap;
// and it stores whatever Go values there are.
package race

import "github.com/boltsession/session/internal/torture/trial"

// Techniques are the ways to break promises that are here.
var Techniques = []trial.Technique{race, soak, reap, values}

// Roles are the processes that they need.
var Roles = trial.Roles{
	roleRace:      playRace,
	roleReapPanic: playReapPanic,
	roleReapClock: playReapClock,
}
