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
	"github.com/boltsession/session/internal/torture/trial"
)

// herdSavers is how many save at a time, as fast as they can.
const herdSavers = 8

// herd is a store of many sessions: first those that have expired, then those that are due by the
// index of deadlines but were touched, then those that are not due for long. Some more are on the brink.
type herd struct {
	t     *trial.Trial
	path  string
	store *session.BoltStore

	expired, touched, live int
	values                 []int // of the touched and the live, as acknowledged; each saver's are its own
	brink                  []*brinkSession
}

func (h *herd) total() int { return h.expired + h.touched + h.live }

func (h *herd) id(i int) session.ID { return session.TokenID(fmt.Sprint("herd ", i)) }

// newHerd builds the store, and returns when all that is to expire has.
func newHerd(ctx context.Context, t *trial.Trial) (h *herd, err error) {
	h = &herd{t: t, path: herdPath(t), expired: t.Size(1_000_000, 20_000), touched: t.Size(10_000, 1_000), live: t.Size(90_000, 1_000)}
	if t.Broken {
		h.expired, h.touched, h.live = 2_000, 100, 100
	}
	h.values = make([]int, h.touched+h.live)
	start := time.Now()
	h.store, err = session.Open(h.path, &session.BoltOptions{Reap: session.Never, SyncEvery: 200 * time.Millisecond, NoSocket: true})
	if err != nil {
		return nil, err
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := w; i < h.total() && ctx.Err() == nil; i += 4 {
				if err := h.add(ctx, i); err != nil {
					t.Fail("build the store: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	t.Figure("built %d sessions in %.0f s", h.total(), time.Since(start).Seconds())
	time.Sleep(2 * time.Second) // the last ones expire
	return h, errors.Join(ctx.Err(), h.store.Close())
}

// add stores a session. The touched ones are filed under a deadline that is near, because they were
// not used for an hour, and then they are.
func (h *herd) add(ctx context.Context, i int) error {
	now := time.Now()
	meta := session.Meta{Created: now, LastAccess: now, End: now.Add(session.DefaultLifetime), MaxAge: 24 * time.Hour, Salt: make([]byte, 16)}
	if i%2 == 0 {
		meta.User = fmt.Sprint("user ", i/20)
	}
	isTouched := i >= h.expired && i < h.expired+h.touched
	switch {
	case i < h.expired:
		meta.MaxAge = time.Second
	case isTouched:
		meta.LastAccess, meta.MaxAge = now.Add(-time.Hour), time.Hour+2*time.Second
	}
	s := session.NewSession(h.store, h.id(i), meta)
	if err := errors.Join(soakValue.Set(s, 0), s.Save(ctx)); err != nil {
		return err
	}
	if isTouched {
		return h.store.Touch(ctx, h.id(i), time.Now())
	}
	return nil
}

// saveFor has savers at work while f runs, and returns how long their saves took.
func (h *herd) saveFor(ctx context.Context, f func()) *latencies {
	all, over := newLatencies(), make(chan struct{})
	var wg sync.WaitGroup
	seed := h.t.Rand.Uint64()
	for w := range herdSavers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for {
				select {
				case <-over:
					return
				default:
				}
				if err := h.save(ctx, r, w, all); err != nil {
					h.t.Fail("save: %v", err)
					return
				}
			}
		})
	}
	f()
	close(over)
	wg.Wait()
	return all
}

// save saves one of the saver's own sessions.
func (h *herd) save(ctx context.Context, r *rand.Rand, w int, all *latencies) error {
	i := r.IntN(len(h.values)/herdSavers)*herdSavers + w
	s, err := h.store.Get(ctx, h.id(h.expired+i))
	if h.t.Broken && errors.Is(err, session.ErrNotFound) {
		return nil // found out at the end
	}
	if err != nil {
		return err
	}
	if err := soakValue.Set(s, h.values[i]+1); err != nil {
		return err
	}
	start := time.Now()
	if err := s.Save(ctx); err != nil && !h.t.Broken {
		return err
	}
	all.add(start, time.Since(start))
	h.values[i]++
	return nil
}

// lost counts the sessions that live and are not there as they were acknowledged, and the others
// that are there.
func (h *herd) lost(ctx context.Context) (lost int) {
	for i, want := range h.values {
		s, err := h.store.Get(ctx, h.id(h.expired+i))
		n := -1
		if err == nil {
			n, _ = soakValue.Get(s)
		}
		if n != want {
			lost++
			h.t.Fail("session %d, which lives, has %d instead of %d: %v", i, n, want, err)
		}
	}
	for _, b := range h.brink {
		if _, err := h.store.Get(ctx, b.id); (err == nil) != b.prolonged {
			lost++
			h.t.Fail("session on the brink: prolonged %t, and now %v", b.prolonged, err)
		}
	}
	for i := range h.expired {
		if _, err := h.store.Get(ctx, h.id(i)); !errors.Is(err, session.ErrNotFound) {
			h.t.Fail("session %d, which expired: %v", i, err)
		}
	}
	return lost
}
