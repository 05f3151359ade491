//go:build linux

package main

import (
	"maps"
	"slices"

	"github.com/boltsession/session/internal/torture/damage"
	"github.com/boltsession/session/internal/torture/fault"
	"github.com/boltsession/session/internal/torture/hostile"
	"github.com/boltsession/session/internal/torture/kill"
	"github.com/boltsession/session/internal/torture/power"
	"github.com/boltsession/session/internal/torture/race"
	"github.com/boltsession/session/internal/torture/trial"
)

// techniques returns all there are, in the order in which they run.
func techniques() []trial.Technique {
	return slices.Concat(kill.Techniques, power.Techniques, fault.Techniques, damage.Techniques, hostile.Techniques, race.Techniques)
}

// roles returns the parts that this program plays in processes of their own.
func roles() trial.Roles {
	all := trial.Roles{}
	for _, some := range []trial.Roles{kill.Roles, power.Roles, fault.Roles, damage.Roles, hostile.Roles, race.Roles} {
		maps.Copy(all, some)
	}
	return all
}
