package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestProxyRule6RegenerateBeginsAnEmptySession(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := storedComponent(t, p, "cart", 3)
		a, r := bring(t, p, id)
		b := acquire(t, p, id)
		must(t, a.SetUser("ann"))
		cart, err := a.Component(t.Context(), "cart")
		must(t, err)
		must(t, a.Regenerate(t.Context()))

		equal(t, "events", r.happened(), "begun")
		equal(t, "ID", a.ID(), TokenID(r.token))
		equal(t, "new", a.IsNew(), true)
		equal(t, "user", a.User(), "")
		equal(t, "keys", len(a.Keys())+len(cart.Keys())+len(a.Components()), 0)
		equal(t, "count under the old ID", countIn(t, g, id), -1)
		isEnded(t, b, 0)
		saves := g.count("Save")
		must(t, a.Save(t.Context()))
		equal(t, "saves of the empty session", g.count("Save"), saves)
		must(t, count.Set(cart, 1))
		must(t, a.SetUser("ann"))
		must(t, a.Save(t.Context()))
		copied, err := g.Get(t.Context(), a.ID())
		must(t, err)
		equal(t, "user", copied.User(), "ann")
		equalList(t, "components", copied.Components(), []string{"cart"})
	})
}

func TestProxyRule6WritesWaitForRegenerate(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		a, _ := bring(t, p, id)
		b := acquire(t, p, id)
		at := g.blockAfter("Destroy", 1)
		ending := start(t, func() error { return a.Regenerate(t.Context()) })
		at.wait()
		own := start(t, func() error {
			_, err := count.Update(a, func(n int) int { return n + 1 })
			return err
		})
		own.waits()
		other := start(t, func() error { return label.Set(b, "late") })
		synctest.Wait()
		at.open()
		ending.gives(nil)
		own.gives(nil)
		other.gives(ErrNotFound)
		n, _ := count.Get(a)
		equal(t, "count in the new session", n, 1)
		must(t, a.Save(t.Context()))
	})
}

// The request's code may fail before anything is ended, and may use the session.
func TestProxyRule6RegenerateRunsNoCodeOfTheRequestWhenItIsTooLate(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, r := bring(t, p, stored(t, p, 1))
		r.make = func() { must(t, count.Set(s, 2)); panic(errPanic) }
		start(t, func() error { return s.Regenerate(t.Context()) }).panics()
		isAlive(t, s)
		equal(t, "destroyed", g.count("Destroy"), 0)
	})
}

func TestProxyRule6FailedRegenerate(t *testing.T) {
	cases := map[string]struct {
		err            error
		ended, retired bool
	}{
		"not tried":         {context.DeadlineExceeded, false, false},
		"cleanly failed":    {ErrFull, true, false},
		"uncertain":         {ErrUncertain, true, true},
		"uncertain, by ctx": {errors.Join(context.Canceled, ErrUncertain), true, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
				s, r := bring(t, p, stored(t, p, 1))
				g.fail("Destroy", 1, c.err)
				wantErr(t, s.Regenerate(t.Context()), c.err)
				equal(t, "events", r.happened(), "")
				equal(t, "retired", p.retired.has(s.ID(), now()), c.retired)
				if c.ended {
					isEnded(t, s, 1)
				} else {
					isAlive(t, s)
				}
			})
		})
	}
}
