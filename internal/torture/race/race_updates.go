//go:build linux

package race

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

const raceCount session.Key[int] = "count"

// raceUpdates counts up in sessions that many handles share, and the sums have to be exact.
// Without a ProxyStore there are no handles that share a session.
func raceUpdates(ctx context.Context, t *trial.Trial, kind raceKind) error {
	if !kind.proxied {
		if t.Broken {
			t.Fail("nothing to break: copies share no state") // the control of this part is the proxied kind's
		}
		return nil
	}
	store, err := kind.start(t, "updates")
	if err != nil {
		return err
	}
	const sessions, workers, inOneRequest = 4, 32, 25
	ids := make([]session.ID, sessions)
	for i := range ids {
		if ids[i], err = raceSession(ctx, store, fmt.Sprint("updates ", i)); err != nil {
			return err
		}
	}
	var left, done atomic.Int64
	left.Store(int64(t.Size(100_000, 3_000) / inOneRequest))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				n, err := raceRequest(ctx, t, store, ids[w%sessions], inOneRequest)
				if done.Add(int64(n)); err != nil {
					t.Fail("%s: update: %v", kind.name, err)
					return
				}
			}
		})
	}
	wg.Wait()
	return raceSum(ctx, t, store, ids, int(done.Load()))
}

// raceSession stores a new session.
func raceSession(ctx context.Context, store *raceStore, name string) (session.ID, error) {
	id := session.TokenID(name)
	s, err := store.store.Create(ctx, id)
	if err != nil {
		return id, err
	}
	return id, errors.Join(s.Set("name", name), s.Save(ctx))
}

// raceRequest does what a request does that counts, several times over.
func raceRequest(ctx context.Context, t *trial.Trial, store *raceStore, id session.ID, times int) (done int, err error) {
	s, release, err := store.proxy.Acquire(ctx, id)
	if err != nil {
		return 0, err
	}
	defer release()
	for i := range times {
		if err := raceIncrement(t, s); err != nil {
			return done, err
		}
		done++
		if i%10 == 9 {
			if err := s.Reload(ctx); err != nil { // which must not undo what is dirty
				return done, err
			}
		}
	}
	return done, s.Save(ctx)
}

func raceIncrement(t *trial.Trial, s *session.Session) error {
	if !t.Broken {
		_, err := raceCount.Update(s, func(n int) int { return n + 1 })
		return err
	}
	n, _ := raceCount.Get(s)
	runtime.Gosched()
	return raceCount.Set(s, n+1)
}

// raceSum compares what was counted with what the sessions say, now and when the store is opened
// again.
func raceSum(ctx context.Context, t *trial.Trial, store *raceStore, ids []session.ID, want int) error {
	for _, when := range []string{"at once", "after it was opened again"} {
		got := 0
		for _, id := range ids {
			s, err := store.store.Get(ctx, id)
			if err != nil {
				return err
			}
			n, _ := raceCount.Get(s)
			got += n
		}
		if got != want {
			t.Fail("%s: %d updates, and %s the sum is %d", store.name, want, when, got)
		}
		t.Figure("%s: %d updates by 32 handles on 4 sessions, %d lost %s", store.name, want, want-got, when)
		if err := store.reopen(); err != nil {
			return err
		}
	}
	return store.inner.Close()
}
