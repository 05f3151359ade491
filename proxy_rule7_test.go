package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestProxyRule7EndedFromAnywhereIsEndedForAllHolders(t *testing.T) {
	ctx := context.Background()
	ends := map[string]func(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error{
		"another handle": func(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error {
			_, err := acquire(t, p, id).Destroy(ctx)
			return err
		},
		"the proxy":       func(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error { return p.Destroy(ctx, id) },
		"the store":       func(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error { return m.Destroy(ctx, id) },
		"Clear":           func(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error { _, err := m.Clear(ctx); return err },
		"DestroyUser":     func(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error { return destroyUser(m, "ann") },
		"Reap":            func(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error { return reapLater(m) },
		"a renewed copy":  renewCopy,
		"a detached copy": destroyCopy,
		"a renewal": func(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error {
			s, _ := bring(t, p, id)
			return s.Renew(ctx)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, g := newProxy(t)
				id := stored(t, p, 1)
				a, b := acquire(t, p, id), acquire(t, p, id)
				must(t, a.SetUser("ann"))
				must(t, a.Save(t.Context()))
				done := a.Done()
				select {
				case <-done:
					t.Fatal("Done is closed before the end")
				default:
				}
				must(t, end(t, p, g.memory, id))
				select {
				case <-done:
				default:
					t.Error("Done is not closed")
				}
				isEnded(t, a, 1)
				isEnded(t, b, 1)
				_, _, err := p.Acquire(t.Context(), id)
				wantErr(t, err, ErrNotFound)
				wantErr(t, a.Reload(t.Context()), ErrNotFound)
				_, err = a.Component(t.Context(), "")
				must(t, err)
				was, err := a.Destroy(t.Context())
				must(t, err)
				equal(t, "destroyed again", was, false)
			})
		})
	}
}

func destroyUser(m *MemoryStore, user string) error {
	n, err := m.DestroyUser(context.Background(), user)
	if err == nil && n != 1 {
		return errors.New("DestroyUser ended no session")
	}
	return err
}

func reapLater(m *MemoryStore) error {
	time.Sleep(DefaultMaxAge)
	_, err := m.Reap(context.Background())
	return err
}

func renewCopy(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error {
	copied, err := m.Get(context.Background(), id)
	if err != nil {
		return err
	}
	return m.Renew(context.Background(), copied, randomID())
}

func destroyCopy(t *testing.T, p *ProxyStore, m *MemoryStore, id ID) error {
	copied, err := p.Get(context.Background(), id)
	if err != nil {
		return err
	}
	_, err = copied.Destroy(context.Background())
	return err
}

// Observers that came after the ProxyStore find the handles ended already.
func TestProxyRule7EndedBeforeObserversAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		told := false
		g.memory.OnDestroy(func(ID, Reason) {
			told = true
			<-s.Done()
			wantErr(t, count.Set(s, 2), ErrNotFound)
			must(t, p.Destroy(t.Context(), id)) // waits for nothing
			_, _, err := p.Acquire(t.Context(), id)
			wantErr(t, err, ErrNotFound)
		})
		_, err := s.Destroy(t.Context())
		must(t, err)
		equal(t, "told", told, true)
	})
}

func TestProxyRule7StoreThatTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newPlainProxy(t)
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, g.memory.Destroy(t.Context(), id))
		must(t, count.Set(s, 2))
		wantErr(t, s.Save(t.Context()), ErrNotFound)
		isEnded(t, s, 2)
		equal(t, "count", countIn(t, g, id), -1)

		id = stored(t, p, 1)
		s = acquire(t, p, id)
		must(t, p.Destroy(t.Context(), id))
		isEnded(t, s, 1)
	})
}

// Whatever a store says that may have destroyed the session, nobody here goes on with it.
func TestProxyRule7FailedDestroyFailsClosed(t *testing.T) {
	broken := errors.New("connection lost")
	cases := map[string]struct {
		err   error
		ended bool
	}{
		"not tried":         {context.Canceled, false},
		"too late":          {context.DeadlineExceeded, false},
		"closed":            {ErrClosed, false},
		"failed":            {broken, true},
		"uncertain":         {ErrUncertain, true},
		"uncertain, by ctx": {errors.Join(ErrUncertain, context.DeadlineExceeded), true},
		"panic":             {nil, true},
	}
	ends := map[string]func(p *ProxyStore, s *Session) error{
		"handle": func(p *ProxyStore, s *Session) error { _, err := s.Destroy(context.Background()); return err },
		"proxy":  func(p *ProxyStore, s *Session) error { return p.Destroy(context.Background(), s.ID()) },
	}
	for how, end := range ends {
		for name, c := range cases {
			t.Run(how+" "+name, func(t *testing.T) {
				eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
					id := stored(t, p, 1)
					a, r := bring(t, p, id)
					b := acquire(t, p, id)
					if c.err == nil {
						g.plan("Destroy", 1, plan{before: func(context.Context) error { panic(errPanic) }})
						start(t, func() error { return end(p, a) }).panics()
					} else {
						g.fail("Destroy", 1, c.err)
						start(t, func() error { return end(p, a) }).gives(c.err)
					}
					told := map[bool]string{true: "ended"}[c.ended && c.err != nil && how == "handle"]
					equal(t, "events", r.happened(), told)
					if !c.ended {
						isAlive(t, b)
						return
					}
					isEnded(t, a, 1)
					isEnded(t, b, 1)
				})
			})
		}
	}
}

func TestProxyRule7DestroyTellsWhetherItDid(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, r := visit(t, p)
		must(t, count.Set(s, 1))
		was, err := s.Destroy(t.Context())
		must(t, err)
		equal(t, "a new one", was, false)
		equal(t, "calls", g.count("Destroy"), 0)
		equal(t, "events", r.happened(), "ended")
		isEnded(t, s, 1)

		s, r = bring(t, p, stored(t, p, 1))
		was, err = s.Destroy(t.Context())
		must(t, err)
		equal(t, "a stored one", was, true)
		equal(t, "events", r.happened(), "ended")
		was, err = s.Destroy(t.Context())
		must(t, err)
		equal(t, "the second time", was, false)
		equal(t, "calls", g.count("Destroy"), 1)
	})
}

func TestProxyRule7DestroyOfWhatIsNotThere(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		must(t, p.Destroy(t.Context(), randomID()))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		id := stored(t, p, 1)
		wantErr(t, p.Destroy(ctx, id), context.Canceled)
		s := acquire(t, p, id)
		wantErr(t, p.Destroy(ctx, id), context.Canceled)
		isAlive(t, s)
	})
}
