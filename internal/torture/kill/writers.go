//go:build linux

package kill

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// A finder is told what is not as promised: which kind of promise ("lost", "torn", "revived",
// "failed"), and what was seen.
type finder func(kind, format string, args ...any)

// passerBy is the user of sessions that expire after a moment and are in no ledger: work for the
// reaper.
const (
	passerBy   = "passer-by"
	passerLife = 50 * time.Millisecond
)

// crowd is who uses a store at once: writers who keep a ledger, passers-by, and a reaper.
type crowd struct {
	store  *session.BoltStore
	ledger *ledger
	find   finder
	wg     sync.WaitGroup
}

// press has a crowd use the store as fast as it can, until it is closed.
func press(ctx context.Context, store *session.BoltStore, l *ledger, find finder) (*crowd, error) {
	c := &crowd{store: store, ledger: l, find: find}
	s, err := store.Create(ctx, sharedSession)
	if err == nil {
		err = store.Save(ctx, s)
	}
	if err != nil && !errors.Is(err, session.ErrExists) {
		return nil, fmt.Errorf("create shared session: %w", err)
	}
	for n := range ledgerWriters {
		w := &writer{crowd: c, n: n, rand: rand.New(rand.NewPCG(rand.Uint64(), 0))}
		c.wg.Go(func() {
			for w.step(ctx) {
			}
		})
	}
	for range 2 {
		c.wg.Go(func() { c.pass(ctx) })
	}
	c.wg.Go(func() { c.reap(ctx) })
	return c, nil
}

// ends says whether err ends the work: the store is closed, or there is something wrong.
func (c *crowd) ends(what string, err error) bool {
	if err != nil && !errors.Is(err, session.ErrClosed) && !errors.Is(err, context.Canceled) {
		c.find("failed", "%s: %v", what, err)
	}
	return err != nil
}

func (c *crowd) pass(ctx context.Context) {
	for {
		now := time.Now()
		s := session.NewSession(c.store, session.TokenID(crand.Text()), session.Meta{
			Created: now, LastAccess: now, End: now.Add(passerLife), MaxAge: time.Hour,
			User: passerBy, Salt: []byte(crand.Text())[:16],
		})
		err := s.Set("passes", valueOf("passes", rand.Uint64N(100)))
		if err == nil {
			err = c.store.Save(ctx, s)
		}
		if errors.Is(err, session.ErrNotFound) {
			continue // it expired before it was stored
		}
		if c.ends("save of a passer-by", err) {
			return
		}
	}
}

func (c *crowd) reap(ctx context.Context) {
	for {
		if _, err := c.store.Reap(ctx); c.ends("reap", err) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// writer does one op after the other to its slots of the ledger.
type writer struct {
	*crowd
	n    int
	rand *rand.Rand
}

// step does one op, and says whether to go on.
func (w *writer) step(ctx context.Context) bool {
	i := w.n*ledgerSlots + w.rand.IntN(ledgerSlots)
	slot, tally := &w.ledger.slots[i], &w.ledger.tallies[w.n]
	p := slot.promise()
	if p.was.alive && w.rand.IntN(20) == 0 {
		if err := w.store.Touch(ctx, slotID(i, p.was.id), time.Now()); w.ends("touch", err) {
			return false
		}
	}
	op, will, count := w.plan(i, p, tally)
	slot.begin(will)
	err := op(ctx)
	switch {
	case err == nil:
		slot.done()
		count.Add(1)
	case errors.Is(err, session.ErrClosed):
		slot.settle(false) // the error says so, and the next audit finds out whether it is true
	}
	return !w.ends(fmt.Sprintf("slot %d, from %v to %v", i, p.was, will), err)
}
