package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestProxyRule6CleanlyFailedRenewalChangesNothing(t *testing.T) {
	fails := map[string]func(g *gateStore){
		"able store":  func(g *gateStore) { g.fail("Renew", 1, ErrFull) },
		"plain store": func(g *gateStore) { g.fail("Save", 1, ErrFull) },
		"able store, other error": func(g *gateStore) { // of ctx, which is honoured before work starts
			g.fail("Renew", 1, context.DeadlineExceeded)
		},
		"plain store, old one stays": func(g *gateStore) { g.fail("Destroy", 1, ErrFull) },
	}
	for name, fail := range fails {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, g := newProxy(t)
				if name[0] == 'p' {
					p, g = newPlainProxy(t)
				}
				id := stored(t, p, 1)
				a, r := bring(t, p, id)
				b := acquire(t, p, id)
				must(t, count.Set(a, 2))
				must(t, a.SetUser("ann"))
				fail(g)
				if err := a.Renew(t.Context()); err == nil {
					t.Fatal("the renewal did not fail")
				}
				equal(t, "events", r.happened(), "")
				equal(t, "ID", a.ID(), id)
				equal(t, "user", a.User(), "")
				equal(t, "dirty", b.IsDirty(), true)
				equal(t, "entries", entries(p), 1)
				equal(t, "retired", p.retired.has(id, now()), false)
				n, err := g.memory.Length(t.Context())
				must(t, err)
				equal(t, "sessions", n, 1)
				isAlive(t, b)
				equal(t, "count", countIn(t, g, id), 2)
				must(t, a.Renew(t.Context()))
				equal(t, "user", a.User(), "ann")
				isEnded(t, b, 2)
			})
		})
	}
}

// Whatever happened in the store, nobody has the new token: the session is over.
func TestProxyRule6UncertainRenewalEndsTheSession(t *testing.T) {
	fails := map[string]func(g *gateStore){
		"Renew uncertain":         func(g *gateStore) { g.failAfter("Renew", 1, ErrUncertain) },
		"Renew uncertain, by ctx": func(g *gateStore) { g.failAfter("Renew", 1, errors.Join(ErrUncertain, context.Canceled)) },
		"Renew panics":            func(g *gateStore) { g.panicAfter("Renew", 1) },
		"plain Destroy uncertain": func(g *gateStore) { g.failAfter("Destroy", 1, ErrUncertain) },
		"plain Destroy panics":    func(g *gateStore) { g.panicAfter("Destroy", 1) },
	}
	for name, fail := range fails {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, g := newProxy(t)
				if name[0] == 'p' {
					p, g = newPlainProxy(t)
				}
				id := stored(t, p, 1)
				a, r := bring(t, p, id)
				b := acquire(t, p, id)
				fail(g)
				if err := <-start(t, func() error { return a.Renew(t.Context()) }).done; err == nil {
					t.Fatal("the renewal did not fail")
				}
				isEnded(t, a, 1)
				isEnded(t, b, 1)
				equal(t, "events", r.happened(), "")
				equal(t, "retired", p.retired.has(id, now()), true)
				_, _, err := p.Acquire(t.Context(), id)
				wantErr(t, err, ErrNotFound)
			})
		})
	}
}
