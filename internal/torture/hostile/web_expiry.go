//go:build linux

package hostile

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// expiry measures when sessions end, idle ones and busy ones, in real time and with nothing that
// reaps.
func expiry(ctx context.Context, t *trial.Trial) error {
	idle, absolute := 2*time.Second, 4*time.Second
	s, err := newSite(t, "cookie", session.Options{MaxAge: idle, Lifetime: absolute})
	if err != nil {
		return err
	}
	defer s.shut()
	n := t.Size(200, 40)
	once, busy := &boundary{after: idle}, &boundary{after: absolute}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			within := time.Duration(i) * 2 * idle / time.Duration(n)
			if err := s.useOnce(ctx, t, once, within); err != nil {
				t.Fail("idle session: %v", err)
			}
		})
		wg.Go(func() {
			if err := s.keepBusy(ctx, t, busy, 50*time.Millisecond*time.Duration(5+i%15)); err != nil {
				t.Fail("busy session: %v", err)
			}
		})
	}
	wg.Wait()
	t.Figure("expiry (web.py): %d sessions idle for %v and %d busy for %v, the reaper off: idle ones last served after %.2f s, first refused after %.2f s; busy ones %.2f s, %.2f s; %d expired records still in the file",
		n, idle, n, absolute, once.served.Seconds(), once.refused.Seconds(), busy.served.Seconds(), busy.refused.Seconds(), s.records())
	return nil
}

// boundary is when sessions were last served, and first refused.
type boundary struct {
	after time.Duration // when that should change

	mu              sync.Mutex
	served, refused time.Duration
}

// note takes one observation: the session's age was between least and most.
func (b *boundary) note(t *trial.Trial, served bool, least, most time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case served:
		b.served = max(b.served, least)
	case b.refused == 0:
		b.refused = most
	default:
		b.refused = min(b.refused, most)
	}
	if served && least > b.after+time.Second || !served && most < b.after-time.Second {
		t.Fail("a session that ends after %v is served: %v, after %v to %v", b.after, served, least, most)
	}
}

// aged is a session and when it began, or was used last.
type aged struct {
	*visitor
	from, until time.Time
}

func (s *site) enterAged(ctx context.Context) (a aged, err error) {
	a.from = time.Now()
	a.visitor, err = s.enter(ctx, "key", "mine")
	a.until = time.Now()
	return a, err
}

// look says whether the session is served, and notes at which age.
func (a aged) look(ctx context.Context, t *trial.Trial, b *boundary) (served bool, err error) {
	start := time.Now()
	p, err := a.visit(ctx, func(_ http.ResponseWriter, r *http.Request) { served = text(r, "key") == "mine" })
	if err != nil {
		return false, err
	}
	if token, _ := p.token(); token != "" {
		t.Fail("looking at a session sets a token")
	}
	b.note(t, served, start.Sub(a.until), time.Since(a.from))
	return served, nil
}

// useOnce uses a session a while after it began.
func (s *site) useOnce(ctx context.Context, t *trial.Trial, b *boundary, after time.Duration) error {
	a, err := s.enterAged(ctx)
	if err != nil {
		return err
	}
	if err := pause(ctx, after); err != nil {
		return err
	}
	_, err = a.look(ctx, t, b)
	return err
}

// keepBusy uses a session all the time until it ends, and a while longer.
func (s *site) keepBusy(ctx context.Context, t *trial.Trial, b *boundary, every time.Duration) error {
	a, err := s.enterAged(ctx)
	if err != nil {
		return err
	}
	ended := false
	for time.Since(a.from) < b.after+1500*time.Millisecond {
		if err := pause(ctx, every); err != nil {
			return err
		}
		served, err := a.look(ctx, t, b)
		if err != nil {
			return err
		}
		if served && ended {
			t.Fail("a session that had expired is served again")
		}
		ended = ended || !served
	}
	return nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
