//go:build linux

package kill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/boltsession/session"
)

// audit compares a store with its ledger: each acknowledged op has to be there, whole, and each that
// was not answered may be, or not. It settles those.
func audit(ctx context.Context, store *session.BoltStore, l *ledger, find finder) error {
	alive := 0
	for i := range l.slots {
		p := l.slots[i].promise()
		seen, err := lookFor(ctx, store, i, p)
		switch {
		case errors.Is(err, errTorn):
			find("torn", "slot %d: %v; acknowledged: %v", i, err, p.was)
			continue
		case err != nil:
			return fmt.Errorf("audit slot %d: %w", i, err)
		}
		if seen.alive && !isShared(i) {
			alive++
		}
		settle(&l.slots[i], i, p, seen, find)
	}
	if _, err := store.Get(ctx, sharedSession); err == nil {
		alive++
	}
	return auditCount(ctx, store, alive+int(l.ballast.Load()), find)
}

// settle judges what was seen of a slot's session.
func settle(s *slot, i int, p promise, seen entry, find finder) {
	switch {
	case p.busy && seen.same(p.will):
		s.settle(true)
	case seen.same(p.was):
		if p.busy {
			s.settle(false)
		}
	case !p.was.alive:
		find("revived", "slot %d: %v, which was ended", i, seen)
	case p.busy && seen.alive && seen.a >= p.was.a && seen.b >= p.was.heldB():
		find("torn", "slot %d: %v, a part of what was asked for: from %v to %v", i, seen, p.was, p.will)
	default:
		find("lost", "slot %d: acknowledged: %v; there is %v", i, p.was, seen)
	}
}

// lookFor looks under every ID that a slot's session can have, and those where it must not be any
// more.
func lookFor(ctx context.Context, store session.Store, i int, p promise) (seen entry, err error) {
	if isShared(i) {
		return lookShared(ctx, store, i/ledgerSlots)
	}
	ids := []uint64{p.was.id, p.latest().id, p.before.id}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		e, err := look(ctx, store, i, slotID(i, id))
		if err != nil {
			return e, err
		}
		if e.alive && seen.alive {
			return e, fmt.Errorf("%w: renewed, and still under the old ID", errTorn)
		}
		if e.alive {
			seen = e
		}
	}
	return seen, nil
}

// lookShared looks for a writer's keys in the session that all have.
func lookShared(ctx context.Context, store session.Store, writer int) (e entry, err error) {
	s, err := store.Get(ctx, sharedSession, "cart")
	switch {
	case errors.Is(err, session.ErrNotFound):
		return entry{}, nil
	case err != nil:
		return entry{}, err
	}
	cart, err := s.Component(ctx, "cart")
	if err != nil {
		return entry{}, err
	}
	key := sharedKey(writer)
	if e.a, err = lookValue(s, key, sharedValue); err != nil {
		return e, err
	}
	other, err := lookValue(cart, key, sharedValue)
	if err == nil && other != e.a {
		err = fmt.Errorf("%w: op %d in one component, %d in the other", errTorn, e.a, other)
	}
	e.alive = e.a != 0
	return e, err
}

// auditCount compares the number of sessions with what All and Length say. Passers-by may expire
// between the two; after their life is over nothing is left to differ.
func auditCount(ctx context.Context, store *session.BoltStore, want int, find finder) error {
	for try := 0; ; try++ {
		all, passing := 0, 0
		for info, err := range store.All(ctx) {
			if err != nil {
				return fmt.Errorf("list sessions: %w", err)
			}
			all++
			if info.User == passerBy {
				passing++
			}
		}
		length, err := store.Length(ctx)
		if err != nil {
			return fmt.Errorf("count sessions: %w", err)
		}
		if length != all && passing > 0 && try < 3 {
			time.Sleep(passerLife)
			continue
		}
		if all-passing < want {
			find("lost", "All lists %d sessions, there should be %d", all-passing, want)
		}
		if all-passing > want {
			find("revived", "All lists %d sessions, there should be %d", all-passing, want)
		}
		if length != all {
			find("torn", "Length is %d, All lists %d", length, all)
		}
		return nil
	}
}
