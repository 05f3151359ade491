//go:build linux

package kill

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/boltsession/session"
)

// auditCopy compares a copy of a store, of some moment while it was used, with what was acknowledged
// before the copy began and when all was over.
func auditCopy(ctx context.Context, store *session.BoltStore, before, after *ledger, find finder) error {
	sessions, ballast, err := bySlot(ctx, store)
	if err != nil {
		return err
	}
	if want := int(before.ballast.Load()); ballast != want {
		find("lost", "the copy has %d of %d sessions that nobody touched", ballast, want)
	}
	for i := range before.slots {
		from, to := before.slots[i].promise().was, after.slots[i].promise().latest()
		seen, err := lookIn(ctx, store, i, sessions[i])
		if errors.Is(err, errTorn) {
			find("torn", "the copy, slot %d: %v", i, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("audit copy: %w", err)
		}
		if kind := seen.outside(from, to); kind != "" {
			find(kind, "the copy, slot %d: from %v to %v, and it has %v", i, from, to, seen)
		}
	}
	return nil
}

// bySlot lists a store: the sessions of each slot, and how many there are of nobody.
func bySlot(ctx context.Context, store *session.BoltStore) (sessions map[int][]session.ID, ballast int, err error) {
	sessions = map[int][]session.ID{}
	for info, err := range store.All(ctx) {
		if err != nil {
			return nil, 0, fmt.Errorf("list copy: %w", err)
		}
		if info.User == "" && info.ID != sharedSession {
			ballast++
		}
		if digits, ok := strings.CutPrefix(info.User, "slot "); ok {
			slot, err := strconv.Atoi(digits)
			if err != nil {
				return nil, 0, err
			}
			sessions[slot] = append(sessions[slot], info.ID)
		}
	}
	return sessions, ballast, nil
}

// lookIn reads what a copy has of a slot, whose sessions are listed.
func lookIn(ctx context.Context, store session.Store, i int, listed []session.ID) (entry, error) {
	switch {
	case isShared(i):
		return lookShared(ctx, store, i/ledgerSlots)
	case len(listed) == 0:
		return entry{}, nil
	case len(listed) > 1:
		return entry{}, fmt.Errorf("%w: under %d IDs at once", errTorn, len(listed))
	}
	e, err := look(ctx, store, i, listed[0])
	if err == nil && !e.alive {
		err = fmt.Errorf("%w: listed, and not found", errTorn)
	}
	return e, err
}

// outside says what is wrong with a session that was seen at some moment between two others, ""
// if nothing is. Numbers of ops only grow, but where group b was removed none is left.
func (e entry) outside(from, to entry) (kind string) {
	gone := !to.alive || to.id != from.id // at the end, and perhaps before
	switch {
	case !e.alive && from.alive && !gone:
		return "lost"
	case !e.alive:
		return ""
	case !from.alive && e.id == from.id && from.id != 0, e.id < from.id:
		return "revived"
	case e.a < from.a:
		return "lost"
	case e.id > to.id, e.a > to.a && e.id == to.id, e.b > to.b && e.id == to.id:
		return "torn"
	case e.b == 0:
		if from.heldB() != 0 && !removedBetween(from.b, to.b) && !gone {
			return "lost"
		}
	case e.b < from.heldB(), e.b <= from.b && removes(from.b):
		return "lost"
	}
	return ""
}

// removedBetween says whether any op after from and up to to is one that removes.
func removedBetween(from, to uint64) bool { return (to+1)/8 > (from+1)/8 }
