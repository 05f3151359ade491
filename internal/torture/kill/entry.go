//go:build linux

package kill

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/boltsession/session"
)

// spot is where a value is: a component and a key in it.
type spot struct{ component, key string }

// The keys of a group are always changed together, by one Save.
var (
	groupA = []spot{{"", "a1"}, {"", "a2"}, {"cart", "a3"}}
	groupB = []spot{{"", "b1"}, {"cart", "b2"}, {"prefs", "b3"}}
)

// originKey has the number of the op that gave the session its ID: a renewal changes it in the step
// in which it moves the session.
const originKey = "origin"

// errTorn says that a session has a part of what one Save stored.
var errTorn = errors.New("a part of one save")

// isShared says whether a slot is not a session of its own but a pair of keys in one that all
// writers have.
func isShared(slot int) bool { return slot%ledgerSlots == 0 }

// sharedSession names the session that all writers save to.
var sharedSession = session.TokenID("shared")

// slotUser is the user of a slot's sessions, by which they are found in a listing.
func slotUser(slot int) string { return "slot " + strconv.Itoa(slot) }

// slotID is the ID that op gave to a slot's session.
func slotID(slot int, op uint64) session.ID { return session.TokenID(fmt.Sprintf("%d/%d", slot, op)) }

// valueOf is what op sets a key to. One in fifty makes the record span pages.
func valueOf(key string, op uint64) string {
	n := int(op * 7919 % 300)
	if op%50 == 0 {
		n = 6000
	}
	return fmt.Sprintf("%d %s %s", op, key, strings.Repeat("x", n))
}

// sharedValue is short: 64 writers have two each in one component.
func sharedValue(key string, op uint64) string { return fmt.Sprintf("%d %s ", op, key) }

// removes says whether op removes group b rather than set it.
func removes(op uint64) bool { return op%8 == 7 }

// heldB is the op whose values group b has, 0 for none.
func (e entry) heldB() uint64 {
	if removes(e.b) {
		return 0
	}
	return e.b
}

// same says whether a session that was seen is the one that the ledger has.
func (e entry) same(ledger entry) bool {
	if !e.alive || !ledger.alive {
		return e.alive == ledger.alive
	}
	return e.id == ledger.id && e.a == ledger.a && e.b == ledger.heldB()
}

func (e entry) String() string {
	if !e.alive {
		return "no session"
	}
	return fmt.Sprintf("the session of op %d with ops %d and %d", e.id, e.a, e.b)
}

// ageOf is the max age that goes with group a.
func ageOf(op uint64) time.Duration { return time.Duration(1+op%5) * time.Hour }

// change makes s, which is as was, what will says. It is not saved.
func change(ctx context.Context, s *session.Session, was, will entry) error {
	if will.id != was.id {
		if err := s.Set(originKey, will.id); err != nil {
			return err
		}
	}
	if will.a != was.a {
		if err := s.SetMaxAge(ageOf(will.a)); err != nil {
			return err
		}
		if err := setGroup(ctx, s, groupA, will.a, false); err != nil {
			return err
		}
	}
	if will.b != was.b {
		return setGroup(ctx, s, groupB, will.b, removes(will.b))
	}
	return nil
}

func setGroup(ctx context.Context, s *session.Session, group []spot, op uint64, remove bool) error {
	for _, at := range group {
		c, err := s.Component(ctx, at.component)
		if err != nil {
			return err
		}
		if remove {
			c.Remove(at.key)
		} else if err := c.Set(at.key, valueOf(at.key, op)); err != nil {
			return err
		}
	}
	return nil
}

// look reads what a store has under id. The error is errTorn if that is no state that a save brought
// about.
func look(ctx context.Context, store session.Store, slot int, id session.ID) (e entry, err error) {
	s, err := store.Get(ctx, id, "cart", "prefs")
	switch {
	case errors.Is(err, session.ErrNotFound):
		return entry{}, nil
	case err != nil:
		return entry{}, err
	}
	e.alive = true
	if e.a, err = lookGroup(ctx, s, groupA); err != nil {
		return e, err
	}
	if e.b, err = lookGroup(ctx, s, groupB); err != nil {
		return e, err
	}
	if err := s.Get(originKey, &e.id); err != nil {
		return e, fmt.Errorf("%w: origin: %w", errTorn, err)
	}
	switch {
	case slotID(slot, e.id) != id:
		return e, fmt.Errorf("%w: the values came without their ID", errTorn)
	case s.User() != slotUser(slot):
		return e, fmt.Errorf("%w: it is of user %q", errTorn, s.User())
	case s.MaxAge() != ageOf(e.a):
		return e, fmt.Errorf("%w: the max age is %v, not %v", errTorn, s.MaxAge(), ageOf(e.a))
	}
	return e, nil
}

// lookGroup returns the op that a group of keys is of, 0 for none.
func lookGroup(ctx context.Context, s *session.Session, group []spot) (op uint64, err error) {
	for i, at := range group {
		c, err := s.Component(ctx, at.component)
		if err != nil {
			return 0, err
		}
		got, err := lookValue(c, at.key, valueOf)
		if err != nil {
			return 0, err
		}
		if i > 0 && got != op {
			return 0, fmt.Errorf("%w: %s is of op %d, %s of op %d", errTorn, group[0].key, op, at.key, got)
		}
		op = got
	}
	return op, nil
}

// lookValue returns the op that a value is of, 0 if there is none.
func lookValue(c interface{ Get(string, any) error }, key string, valueOf func(string, uint64) string) (uint64, error) {
	var v string
	err := c.Get(key, &v)
	if errors.Is(err, session.ErrNoKey) {
		return 0, nil
	}
	first, _, _ := strings.Cut(v, " ")
	op, parseErr := strconv.ParseUint(first, 10, 64)
	if err != nil || parseErr != nil || v != valueOf(key, op) {
		return 0, fmt.Errorf("%w: the value of %s is wrong (%d bytes, %w)", errTorn, key, len(v), errors.Join(err, parseErr))
	}
	return op, nil
}
