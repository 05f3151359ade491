//go:build linux

package race

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// brinkSession is a session that expires soon, unless it is prolonged in time.
type brinkSession struct {
	id        session.ID
	expires   time.Time
	prolonged bool // and that was acknowledged
}

// reapBrink reaps all the time while sessions expire, and prolongs half of them at about the moment
// when they do: what is acknowledged must not be reaped.
func (h *herd) reapBrink(ctx context.Context) error {
	for i := range h.t.Size(4_000, 400) {
		if err := h.addBrink(ctx, i); err != nil {
			return err
		}
	}
	seed, done := h.t.Rand.Uint64(), make(chan struct{})
	var prolongers, reaper sync.WaitGroup
	const workers = 8
	for w := range workers {
		prolongers.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for i := w; i < len(h.brink); i += workers {
				h.prolong(ctx, h.brink[i], r)
			}
		})
	}
	runs := 0
	reaper.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if _, err := h.store.Reap(ctx); err != nil {
				h.t.Fail("reap: %v", err)
				return
			}
			runs++
		}
	})
	prolongers.Wait()
	close(done)
	reaper.Wait()
	h.t.Figure("%d sessions that expired during %d runs, %d of them prolonged in time", len(h.brink), runs, h.prolonged())
	return nil
}

// addBrink adds a session that expires in a second or a few.
func (h *herd) addBrink(ctx context.Context, i int) error {
	now := time.Now()
	left := 1500*time.Millisecond + time.Duration(i)*5*time.Millisecond
	meta := session.Meta{Created: now, LastAccess: now.Add(-time.Hour), End: now.Add(session.DefaultLifetime), MaxAge: time.Hour + left, Salt: make([]byte, 16)}
	b := &brinkSession{id: session.TokenID(fmt.Sprint("brink ", i)), expires: now.Add(left)}
	s := session.NewSession(h.store, b.id, meta)
	h.brink = append(h.brink, b)
	return errors.Join(soakValue.Set(s, 0), s.Save(ctx))
}

// prolong saves a session with a longer max age, a little before it expires or after.
func (h *herd) prolong(ctx context.Context, b *brinkSession, r *rand.Rand) {
	time.Sleep(time.Until(b.expires) - time.Duration(r.IntN(5_000)-1_000)*time.Microsecond)
	if r.IntN(4) == 0 {
		return
	}
	s, err := h.store.Get(ctx, b.id)
	if err == nil {
		err = errors.Join(s.SetMaxAge(24*time.Hour), s.Save(ctx))
	}
	switch {
	case err == nil:
		b.prolonged = true
	case !errors.Is(err, session.ErrNotFound):
		h.t.Fail("prolong: %v", err)
	}
}

func (h *herd) prolonged() (n int) {
	for _, b := range h.brink {
		if b.prolonged {
			n++
		}
	}
	return n
}
