package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestProxyRule6RenewSavesWhatIsDirtyAndMovesOnlyItsHandle(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := storedComponent(t, p, "cart", 3)
		a, r := bring(t, p, id)
		b := acquire(t, p, id)
		must(t, count.Set(a, 2))
		must(t, label.Set(b, "theirs, not saved"))
		must(t, a.SetMaxAge(DefaultMaxAge/2))
		fresh, err := a.Component(t.Context(), "fresh")
		must(t, err)
		must(t, count.Set(fresh, 4))
		must(t, a.Renew(t.Context()))

		equal(t, "events", r.happened(), "moved")
		equal(t, "ID", a.ID(), TokenID(r.token))
		equal(t, "dirty", a.IsDirty(), false)
		isEnded(t, b, 2)
		equal(t, "count under the old ID", countIn(t, g, id), -1)
		copied, err := g.Get(t.Context(), a.ID(), "cart", "fresh")
		must(t, err)
		equalList(t, "keys", copied.Keys(), []string{"count", "label"})
		equalList(t, "components", copied.Components(), []string{"cart", "fresh"})
		equal(t, "max age", copied.MaxAge(), DefaultMaxAge/2)
		cart, err := a.Component(t.Context(), "cart")
		must(t, err)
		n, _ := count.Get(cart)
		equal(t, "count in the component", n, 3)
		n, _ = count.Get(fresh)
		equal(t, "count in the component from before", n, 4)
		isAlive(t, a)
		isAlive(t, acquire(t, p, a.ID()))
	})
}

func TestProxyRule6RenewalKeepsWhatItShould(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		before, err := g.Get(t.Context(), id)
		must(t, err)
		s, _ := bring(t, p, id)
		must(t, s.Renew(t.Context()))
		after, err := g.Get(t.Context(), s.ID())
		must(t, err)
		was, is := before.metadata(), after.metadata()
		equal(t, "created", is.Created, was.Created)
		equal(t, "end", is.End, was.End)
		equal(t, "salt", string(is.Salt), string(was.Salt))
	})
}

func TestProxyRule6FirstOfTwoRenewalsWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		id := stored(t, p, 1)
		a, _ := bring(t, p, id)
		b, r := bring(t, p, id)
		at := g.block("Renew", 1)
		first := start(t, func() error { return a.Renew(t.Context()) })
		at.wait()
		second := start(t, func() error { return b.Renew(t.Context()) })
		second.waits()
		at.open()
		first.gives(nil)
		second.gives(ErrNotFound)
		equal(t, "renewals in the store", g.count("Renew"), 1)
		equal(t, "events", r.happened(), "")
		isAlive(t, a)
	})
}

// Renew, Regenerate and Destroy wait for the save that is under way, in this order of commits.
func TestProxyRule6EndsWaitForTheSave(t *testing.T) {
	ends := map[string]func(p *ProxyStore, s *Session) error{
		"Renew":      func(_ *ProxyStore, s *Session) error { return s.Renew(context.Background()) },
		"Regenerate": func(_ *ProxyStore, s *Session) error { return s.Regenerate(context.Background()) },
		"Destroy":    func(_ *ProxyStore, s *Session) error { _, err := s.Destroy(context.Background()); return err },
		"ProxyStore.Destroy": func(p *ProxyStore, s *Session) error {
			return p.Destroy(context.Background(), s.ID())
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
				id := stored(t, p, 1)
				a := acquire(t, p, id)
				b, _ := bring(t, p, id)
				must(t, count.Set(a, 2))
				at := g.block("Save", 1)
				saving := start(t, func() error { return a.Save(t.Context()) })
				at.wait()
				ending := start(t, func() error { return end(p, b) })
				ending.waits()
				at.open()
				saving.gives(nil)
				ending.gives(nil)
				isEnded(t, a, 2)
				equal(t, "count under the old ID", countIn(t, g, id), -1)
			})
		})
	}
}

// A write during a renewal belongs to the renewed session if it is the renewing handle's, and
// has nowhere to go otherwise.
func TestProxyRule6WritesWaitForTheRenewal(t *testing.T) {
	gates := map[string]func(*gateStore) *gate{
		"before the commit": func(g *gateStore) *gate { return g.block("Renew", 1) },
		"after the commit":  func(g *gateStore) *gate { return g.blockAfter("Renew", 1) },
	}
	for name, block := range gates {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, g := newProxy(t)
				id := stored(t, p, 1)
				a, _ := bring(t, p, id)
				b := acquire(t, p, id)
				at := block(g)
				renewing := start(t, func() error { return a.Renew(t.Context()) })
				at.wait()
				own := start(t, func() error { return count.Set(a, 2) })
				own.waits()
				other := start(t, func() error { return label.Set(b, "late") })
				synctest.Wait()
				at.open()
				renewing.gives(nil)
				own.gives(nil)
				other.gives(ErrNotFound)
				must(t, a.Save(t.Context()))
				equal(t, "count", countIn(t, g, a.ID()), 2)
				equalList(t, "keys", a.Keys(), []string{"count"})
			})
		})
	}
}

// Who is told of the renewal may write through another handle, which has ended.
func TestProxyRule6ObserverOfARenewalMayWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		id := stored(t, p, 1)
		a, _ := bring(t, p, id)
		b := acquire(t, p, id)
		var told error
		g.memory.OnDestroy(func(ended ID, _ Reason) {
			told = errors.Join(count.Set(b, 2), p.Destroy(t.Context(), ended))
		})
		must(t, a.Renew(t.Context()))
		wantErr(t, told, ErrNotFound)
	})
}

// The session is destroyed under its new ID when that is committed, but the handle is not
// moved yet.
func TestProxyRule6EndRightAfterTheCommitFindsTheRenewedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		s, _ := bring(t, p, stored(t, p, 1))
		must(t, s.SetUser("ann"))
		at := g.blockAfter("Renew", 1)
		renewing := start(t, func() error { return s.Renew(t.Context()) })
		at.wait()
		n, err := g.memory.DestroyUser(t.Context(), "ann")
		must(t, err)
		equal(t, "ended", n, 1)
		at.open()
		renewing.gives(nil)
		isEnded(t, s, 1)
	})
}

// Who finds the new ID in a listing, when it is committed but the handle is not moved yet, gets
// the one live state.
func TestProxyRule6RenewedSessionHasOneState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		s, _ := bring(t, p, stored(t, p, 1))
		at := g.blockAfter("Renew", 1)
		renewing := start(t, func() error { return s.Renew(t.Context()) })
		at.wait()
		var others []*Session
		for info, err := range g.memory.All(t.Context()) {
			must(t, err)
			others = append(others, acquire(t, p, info.ID))
		}
		at.open()
		renewing.gives(nil)
		equal(t, "found", len(others), 1)
		if others[0].state.Load() != s.state.Load() {
			t.Error("there are two live states")
		}
		equal(t, "entries", entries(p), 1)
	})
}

func TestProxyRule6RenewAnswersOnlyToARequest(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		wantErr(t, s.Renew(t.Context()), errors.ErrUnsupported)
		wantErr(t, s.Regenerate(t.Context()), errors.ErrUnsupported)
		s, r := bring(t, p, id)
		r.renew = errors.ErrUnsupported
		wantErr(t, s.Renew(t.Context()), errors.ErrUnsupported)
		wantErr(t, s.Regenerate(t.Context()), errors.ErrUnsupported)
		r.renew, r.move = nil, ErrHeadersSent
		wantErr(t, s.Renew(t.Context()), ErrHeadersSent)
		wantErr(t, s.Regenerate(t.Context()), ErrHeadersSent)
		equal(t, "events", r.happened(), "")
		isAlive(t, s)
	})
}

func TestProxyRule6EndedSessionIsNotRenewed(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, r := bring(t, p, stored(t, p, 1))
		_, err := s.Destroy(t.Context())
		must(t, err)
		wantErr(t, s.Renew(t.Context()), ErrNotFound)
		must(t, s.Regenerate(t.Context()))
		equal(t, "events", r.happened(), "ended begun")
		isAlive(t, s)
	})
}

// A client that goes stops neither a login nor a logout.
func TestProxyRule6DisconnectStopsNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s, _ := bring(t, p, stored(t, p, 1))
		must(t, s.Renew(ctx))
		must(t, s.Regenerate(ctx))
		must(t, count.Set(s, 1))
		must(t, s.Save(t.Context()))
		was, err := s.Destroy(ctx)
		must(t, err)
		equal(t, "destroyed", was, true)

		id := stored(t, p, 1)
		_, err = acquire(t, p, id).Destroy(ctx) // of no request
		wantErr(t, err, context.Canceled)
		equal(t, "count", countIn(t, g, id), 1)
	})
}

func TestProxyRule6RenewOfANewSessionStoresIt(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, r := visit(t, p)
		id := s.ID()
		must(t, s.SetUser("ann"))
		g.fail("Save", 1, ErrFull)
		wantErr(t, s.Renew(t.Context()), ErrFull)
		must(t, s.Renew(t.Context()))
		equal(t, "events", r.happened(), "kept kept moved")
		equal(t, "ID", s.ID(), id)
		copied, err := g.Get(t.Context(), id)
		must(t, err)
		equal(t, "user", copied.User(), "ann")
	})
}

// The handler has returned when the renewal by a goroutine of its is committed.
func TestProxyRule6RenewalOfAReleasedHandleLeavesNoEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		id := stored(t, p, 1)
		s, _ := bring(t, p, id)
		at := g.block("Renew", 1)
		renewing := start(t, func() error { return s.Renew(t.Context()) })
		at.wait()
		s.release()
		at.open()
		renewing.gives(nil)
		equal(t, "entries", entries(p), 0)
		equal(t, "count under the old ID", countIn(t, g, id), -1)
	})
}
