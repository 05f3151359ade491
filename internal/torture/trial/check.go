//go:build linux

package trial

import (
	"context"
	"errors"
)

// A Check is a part of a technique that looks for one kind of broken promise.
type Check struct {
	Name string
	Run  func(context.Context, *Trial) error
}

// Each runs checks one after the other, all of them. In a negative control every single one has to
// notice that something is broken: one that does not would see nothing elsewhere either.
func (t *Trial) Each(ctx context.Context, checks ...Check) error {
	var unable error
	for _, c := range checks {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		before := t.begin()
		err := c.Run(ctx, t)
		switch {
		case errors.Is(err, errCannot):
			t.Figure("%s: %v", c.Name, err)
			unable = err
			continue
		case err != nil:
			t.Fail("%s: %v", c.Name, err)
		}
		if t.Broken && t.Failures() == before {
			t.blind = append(t.blind, c.Name)
		}
	}
	return unable
}

// begin returns how many promises were broken, and lets the next ones be printed.
func (t *Trial) begin() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.printed = 0
	return t.failures
}

// Unless ends a figure that a check has not reached.
func (t *Trial) Unless() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.printed > 0 {
		return " (but for what is reported)"
	}
	return ""
}
