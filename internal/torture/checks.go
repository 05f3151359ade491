//go:build linux

package main

import (
	"context"
	"errors"
)

// A check is a part of a technique that looks for one kind of broken promise.
type check struct {
	name string
	run  func(context.Context, *trial) error
}

// each runs checks one after the other, all of them. In a negative control every single one has to
// notice that something is broken: one that does not would see nothing elsewhere either.
func (t *trial) each(ctx context.Context, checks ...check) error {
	var unable error
	for _, c := range checks {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		before := t.failedSoFar()
		err := c.run(ctx, t)
		switch {
		case errors.Is(err, errCannot):
			t.figure("%s: %v", c.name, err)
			unable = err
			continue
		case err != nil:
			t.fail("%s: %v", c.name, err)
		}
		if t.broken && t.failedSoFar() == before {
			t.blind = append(t.blind, c.name)
		}
	}
	return unable
}

// failedSoFar returns how many promises were broken, and lets the next ones be printed.
func (t *trial) failedSoFar() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.printed = 0
	return t.failures
}

// unless ends a figure that a check has not reached.
func (t *trial) unless() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.printed > 0 {
		return " (but for what is reported)"
	}
	return ""
}
