//go:build linux

package race

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/boltsession/session"
)

// soakValue is what a visitor counts in its sessions.
const soakValue session.Key[int] = "n"

// ledger is what one actor knows of sessions that only it changes.
type ledger struct {
	rand  *rand.Rand
	actor int
	made  int
	alive []*entry
	dead  []session.ID
}

// entry is a session that has to be there, with a value that was acknowledged.
type entry struct {
	id   session.ID
	user string
	n    int
}

func newLedger(seed uint64, actor int) *ledger {
	return &ledger{rand: rand.New(rand.NewPCG(seed, uint64(actor))), actor: actor}
}

// id returns an ID that nobody had.
func (l *ledger) id() session.ID {
	l.made++
	return session.TokenID(fmt.Sprint("soak ", l.actor, " ", l.made))
}

// user returns one of the users that only this actor has.
func (l *ledger) user() string { return fmt.Sprint("user ", l.actor, " ", l.rand.IntN(200)) }

// any returns one of the sessions, nil when there is none.
func (l *ledger) any() *entry {
	if len(l.alive) == 0 {
		return nil
	}
	return l.alive[l.rand.IntN(len(l.alive))]
}

// bury notes that sessions ended.
func (l *ledger) bury(ended func(*entry) bool) {
	kept := l.alive[:0]
	for _, e := range l.alive {
		if ended(e) {
			l.dead = append(l.dead, e.id)
		} else {
			kept = append(kept, e)
		}
	}
	clear(l.alive[len(kept):])
	l.alive = kept
}

// compare says what a store has otherwise.
func (l *ledger) compare(ctx context.Context, store session.Store) (problems []string) {
	for _, e := range l.alive {
		s, err := store.Get(ctx, e.id)
		if err != nil {
			problems = append(problems, fmt.Sprintf("acknowledged session %s: %v", e.id.Short(), err))
			continue
		}
		if n, _ := soakValue.Get(s); n != e.n || s.User() != e.user {
			problems = append(problems, fmt.Sprintf("session %s has %d of %q, acknowledged was %d of %q", e.id.Short(), n, s.User(), e.n, e.user))
		}
	}
	for _, id := range l.dead {
		if _, err := store.Get(ctx, id); !errors.Is(err, session.ErrNotFound) {
			problems = append(problems, fmt.Sprintf("ended session %s is back: %v", id.Short(), err))
		}
	}
	return problems
}
