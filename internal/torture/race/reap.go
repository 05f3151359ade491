//go:build linux

package race

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

const (
	roleReapPanic = "reap-panic"
	roleReapClock = "reap-clock"
)

var reap = trial.Technique{
	Name:   "reap",
	What:   "most of a large store reaped while others save, panics in runs, the clock set by an hour",
	Proves: "14",
	Breaks: "a reaper that goes by its index alone, recovers nothing and does not look at the clock",
	Run: func(ctx context.Context, t *trial.Trial) error {
		return t.Each(ctx,
			trial.Check{Name: "load", Run: reapMany},
			trial.Check{Name: "panics", Run: reapPanics},
			trial.Check{Name: "clock", Run: reapClock})
	},
}

// maxReapRatio is how much slower the slowest percent of saves may get while sessions are reaped.
const maxReapRatio = 5

// reapMany reaps ten of eleven sessions while others are saved.
func reapMany(ctx context.Context, t *trial.Trial) error {
	h, err := newHerd(ctx, t)
	if err != nil {
		return err
	}
	store, err := session.Open(h.path, &session.BoltOptions{Reap: session.Never, NoSocket: true})
	if err != nil {
		return err
	}
	h.store = store
	rest := func() { time.Sleep(time.Duration(t.Size(15_000, 1_000)) * time.Millisecond) }
	idle := h.saveFor(ctx, rest)
	var reaped int
	start := time.Now()
	busy := h.saveFor(ctx, func() { reaped, err = h.reap(ctx) })
	took := time.Since(start)
	if err != nil {
		return fmt.Errorf("reap: %w", err)
	}
	idle = idle.and(h.saveFor(ctx, rest)) // before and after: what others do on the machine changes
	t.Figure("%d of %d sessions reaped in %.1f s (%.0f/s)", reaped, h.total(), took.Seconds(), float64(reaped)/took.Seconds())
	h.judgeSaves(idle, busy)
	if reaped < h.expired {
		t.Fail("%d sessions had expired, %d were reaped", h.expired, reaped)
	}
	if err := h.reapBrink(ctx); err != nil {
		return err
	}
	return h.judge(ctx)
}

// judgeSaves compares how long saves take. The small size prints it only: there are too few of them.
func (h *herd) judgeSaves(idle, busy *latencies) {
	ratio := float64(busy.p99()) / float64(idle.p99())
	h.t.Figure("saves by %d savers, idle: p99 %v, median of the seconds' p99 %v, max %v (of %d)", herdSavers, idle.p99(), idle.typical(), idle.max(), idle.count())
	h.t.Figure("while reaping: p99 %v, median of the seconds' p99 %v, max %v (of %d); p99 is %.1f times the idle one", busy.p99(), busy.typical(), busy.max(), busy.count(), ratio)
	if ratio > maxReapRatio && !h.t.Quick && !h.t.Broken {
		h.t.Fail("p99 of saves while reaping is %.1f times the idle one", ratio)
	}
}

// reap has the store reaped. A control ends all that its index of deadlines has.
func (h *herd) reap(ctx context.Context) (int, error) {
	if !h.t.Broken {
		return h.store.Reap(ctx)
	}
	var reaped atomic.Int64
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := w; i < h.expired+h.touched; i += 32 {
				if h.store.Destroy(ctx, h.id(i)) == nil {
					reaped.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(reaped.Load()), nil
}

// judge looks at every session, now and when the store is opened again.
func (h *herd) judge(ctx context.Context) error {
	for _, when := range []string{"at once", "after it was opened again"} {
		lost := h.lost(ctx)
		h.t.Figure("%d sessions that live, %d of them due by the index, %d prolonged at the last moment: %d lost or changed %s",
			h.touched+h.live+h.prolonged(), h.touched, h.prolonged(), lost, when)
		if _, err := h.store.Reap(ctx); err != nil {
			return err
		}
		if want, got := h.touched+h.live+h.prolonged(), h.store.Stats().Sessions; got != want && !h.t.Broken {
			h.t.Fail("%d sessions are left in the file, %d live", got, want)
		}
		if err := h.store.Close(); err != nil {
			return err
		}
		r, err := session.Check(ctx, h.path)
		if err != nil {
			return err
		}
		if r.Leftovers > 0 && !h.t.Broken {
			h.t.Fail("%d entries of the indexes lead to nothing after a run that came to its end", r.Leftovers)
		}
		if h.store, err = session.Open(h.path, &session.BoltOptions{Reap: session.Never, NoSocket: true}); err != nil {
			return err
		}
	}
	return h.store.Close()
}

func herdPath(t *trial.Trial) string { return filepath.Join(t.Dir, "herd.db") }
