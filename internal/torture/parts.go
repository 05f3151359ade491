//go:build linux

package main

import "context"

// parts runs the parts of a technique, one after the other. Of a negative control, each part has
// to find something: if one does not, the control counts as unnoticed.
func (t *trial) parts(ctx context.Context, parts ...func(context.Context, *trial) error) error {
	blind := false
	for i, part := range parts {
		before := t.failed()
		if err := part(ctx, t); err != nil {
			return err
		}
		if t.broken && t.failed() == before {
			t.figure("part %d of the control found nothing", i+1)
			blind = true
		}
	}
	if blind {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.failures = 0
	}
	return nil
}

// failed returns how many broken promises were found so far.
func (t *trial) failed() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failures
}
