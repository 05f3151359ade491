//go:build linux

// Package hostile is clients that mean harm: of the app, of its admin socket, and whoever looks for
// secrets in what it leaves behind.
package hostile

import (
	"context"

	"github.com/boltsession/session/internal/torture/trial"
)

// Techniques are the ways to break promises that are here.
var Techniques = []trial.Technique{
	{
		Name:   "web",
		What:   "hostile clients over HTTP: planted tokens, strangers, late responses, odd writers, published flaws",
		Proves: "17, 19, 20, 21",
		Breaks: "a middleware that adopts the client's ID, over a store with the raw ID, before which nobody renews",
		Run:    runWeb,
	},
	{
		Name:   "secrets",
		What:   "look for live tokens, and for encrypted values, wherever an app leaves something",
		Proves: "18",
		Breaks: "the app lets tokens and values slip into its logs, its sessions, its errors and its panics",
		Run:    runSecrets,
	},
	{
		Name:   "socket",
		What:   "hostile clients of the admin socket, and what may lie in its place",
		Proves: "22",
		Breaks: "a handler of admin behind a plain listener: no peer check, no limits, a collection of garbage per client",
		Run:    runSocket,
	},
}

// Roles are the processes that they need.
var Roles = trial.Roles{
	"hostile-app":      playApp,
	"hostile-flooder":  playFlooder,
	"hostile-stranger": playStranger,
}

func check(name string, run func(context.Context, *trial.Trial) error) trial.Check {
	return trial.Check{Name: name, Run: run}
}
