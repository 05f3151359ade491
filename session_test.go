package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSessionNewAndDirty(t *testing.T) {
	s := newSession()
	equal(t, "new", s.IsNew(), true)
	equal(t, "dirty", s.IsDirty(), false)
	must(t, s.Save(t.Context())) // outside of a request an empty session is stored too
	equal(t, "new", s.IsNew(), false)
	equal(t, "count", countIn(t, s.store, s.ID()), 0)
	for what, change := range map[string]func(){
		"key":       func() { must(t, count.Set(s, 2)) },
		"removal":   func() { count.Remove(s) },
		"RemoveAll": s.RemoveAll,
		"max age":   func() { must(t, s.SetMaxAge(time.Minute)) },
		"user":      func() { must(t, s.SetUser("ann")) },
		"component": func() {
			c, err := s.Component(t.Context(), "cart")
			must(t, err)
			must(t, count.Set(c, 2))
		},
	} {
		must(t, count.Set(s, 1))
		must(t, s.Save(t.Context()))
		equal(t, "dirty before the "+what, s.IsDirty(), false)
		change()
		equal(t, "dirty after the "+what, s.IsDirty(), true)
	}
}

func TestSessionMetadata(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := savedSession(t)
		time.Sleep(time.Minute)
		equal(t, "created", s.Created().Equal(begin), true)
		equal(t, "last access", s.LastAccess().Equal(begin), true)
		equal(t, "max age", s.MaxAge(), DefaultMaxAge)
		equal(t, "expires", s.ExpiresAt().Equal(begin.Add(DefaultMaxAge)), true)
		for _, d := range []time.Duration{0, -time.Hour, time.Second - 1} {
			if err := s.SetMaxAge(d); err == nil {
				t.Errorf("SetMaxAge(%v) is no error", d)
			}
		}
		must(t, s.SetMaxAge(DefaultMaxAge))
		must(t, s.SetUser(""))
		equal(t, "dirty", s.IsDirty(), false)
		must(t, s.SetMaxAge(365*24*time.Hour))
		equal(t, "expires at the end", s.ExpiresAt().Equal(begin.Add(DefaultLifetime)), true)
		must(t, s.SetMaxAge(2*time.Minute))
		must(t, s.SetUser("ann"))
		must(t, s.Save(t.Context()))
		copied, err := s.store.Get(t.Context(), s.ID())
		must(t, err)
		equal(t, "stored max age", copied.MaxAge(), 2*time.Minute)
		equal(t, "stored user", copied.User(), "ann")
		time.Sleep(time.Minute)
		_, err = s.store.Get(t.Context(), s.ID())
		wantErr(t, err, ErrNotFound)
		must(t, s.SetUser("bob")) // a copy learns it from the store
		wantErr(t, s.Save(t.Context()), ErrNotFound)
		isEnded(t, s, 1)
	})
}

func TestSessionDone(t *testing.T) {
	s := savedSession(t)
	before := s.Done()
	if before != s.Done() {
		t.Error("Done gives a new channel each time")
	}
	_, err := s.Destroy(t.Context())
	must(t, err)
	<-before
	<-s.Done()
	s = savedSession(t)
	_, err = s.Destroy(t.Context())
	must(t, err)
	<-s.Done() // made after the end
}

func TestSessionDoneOfARenewedHandle(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, _ := bring(t, p, stored(t, p, 1))
		before := s.Done()
		must(t, s.Renew(t.Context()))
		<-before
		select {
		case <-s.Done():
			t.Error("the renewed session has ended")
		default:
		}
	})
}

// A store's author saves a snapshot; what is set after it stays dirty.
func TestSessionChangesAndSaved(t *testing.T) {
	s := newSession()
	must(t, count.Set(s, 1))
	cart, err := s.Component(t.Context(), "cart")
	must(t, err)
	must(t, count.Set(cart, 1))
	ch := s.Changes()
	equal(t, "ID", ch.ID, s.ID())
	equal(t, "new", ch.New, true)
	equal(t, "metadata", ch.Meta != nil && ch.Meta.Created.Equal(s.Created()), true)
	equal(t, "components", len(ch.Components), 2)
	must(t, label.Set(s, "later"))
	s.Saved(Changes{ID: randomID(), seq: ch.seq})
	equal(t, "new after another session was saved", s.IsNew(), true)
	s.Saved(ch)
	equal(t, "new", s.IsNew(), false)

	ch = s.Changes()
	equal(t, "new", ch.New, false)
	equal(t, "metadata", ch.Meta == nil, true)
	equal(t, "components", len(ch.Components), 1)
	equal(t, "values", len(ch.Components[""].Set), 1)
	s.Saved(ch)
	equal(t, "dirty", s.IsDirty(), false)
	equal(t, "components", len(s.Changes().Components), 0)

	s.RemoveAll()
	count.Remove(cart)
	ch = s.Changes()
	equal(t, "clear", ch.Components[""].Clear, true)
	equalList(t, "removed", ch.Components["cart"].Removed, []string{"count"})
	equal(t, "values", len(ch.Components[""].Set)+len(ch.Components["cart"].Set), 0)
}

// What LoadSession is not given is read when it is asked for.
func TestSessionLoadSession(t *testing.T) {
	g := newGateStore()
	id := storedComponent(t, g, "cart", 3)
	one := []byte{1}
	s := LoadSession(g, id, newMeta(now(), DefaultMaxAge, DefaultLifetime), map[string]map[string][]byte{
		"": {"count": one}, "cart": nil, "read": {"count": one}, "gone": {},
	})
	equal(t, "new", s.IsNew(), false)
	equal(t, "dirty", s.IsDirty(), false)
	equalList(t, "keys", s.Keys(), []string{"count"})
	equalList(t, "components", s.Components(), []string{"cart", "read"})
	reads := g.count("Get")
	_, err := s.Component(t.Context(), "read")
	must(t, err)
	equal(t, "reads", g.count("Get")-reads, 0)
	g.fail("Get", 1, ErrFailed)
	_, err = s.Component(t.Context(), "cart")
	wantErr(t, err, ErrFailed)
	cart, err := s.Component(t.Context(), "cart")
	must(t, err)
	n, _ := count.Get(cart)
	equal(t, "count", n, 3)
	equal(t, "reads", g.count("Get")-reads, 2)
}

// A handle that two goroutines use for a component reads it once.
func TestSessionComponentIsReadOnce(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s := acquire(t, p, storedComponent(t, p, "cart", 3))
		reads := g.count("Get")
		at := g.block("Get", 1)
		first := start(t, func() error { _, err := s.Component(t.Context(), "cart"); return err })
		at.wait()
		second := start(t, func() error { _, err := s.Component(t.Context(), "cart"); return err })
		second.waits()
		at.open()
		first.gives(nil)
		second.gives(nil)
		_, err := s.Component(t.Context(), "no such component")
		must(t, err)
		equal(t, "reads", g.count("Get")-reads, 1)
	})
}

func TestSessionThatCannotBeWritten(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, r := visit(t, p)
		r.write = ErrNoSession
		wantErr(t, count.Set(s, 1), ErrNoSession)
		wantErr(t, s.SetUser("ann"), ErrNoSession)
		_, err := count.Update(s, func(n int) int { return n + 1 })
		wantErr(t, err, ErrNoSession)
		s.RemoveAll()
		count.Remove(s)
		equal(t, "dirty", s.IsDirty(), false)
	})
}

func TestSessionKeptWhenEmpty(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, _ := visit(t, p)
		equal(t, "is new", s.keepNew(), true)
		equal(t, "dirty", s.IsDirty(), true)
		must(t, s.Save(t.Context()))
		equal(t, "count", countIn(t, g, s.ID()), 0)
		equal(t, "is new", s.keepNew(), false)
		equal(t, "dirty", s.IsDirty(), false)
	})
}

func TestSessionDetachedSaveDoesNotRevive(t *testing.T) {
	s := savedSession(t)
	must(t, s.store.Destroy(t.Context(), s.ID()))
	must(t, count.Set(s, 2))
	wantErr(t, s.Save(t.Context()), ErrNotFound)
	equal(t, "count", countIn(t, s.store, s.ID()), -1)
	isEnded(t, s, 2)
}

func TestSessionDoneContext(t *testing.T) {
	s := savedSession(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, count.Set(s, 2))
	wantErr(t, s.Save(ctx), context.Canceled)
	wantErr(t, s.Reload(ctx), context.Canceled)
	_, err := s.Destroy(ctx)
	wantErr(t, err, context.Canceled)
	fresh, err := s.store.Get(t.Context(), s.ID())
	must(t, err)
	_, err = fresh.Component(ctx, "cart")
	wantErr(t, err, context.Canceled)
	equal(t, "dirty", s.IsDirty(), true)
	isAlive(t, s)
}

func TestSessionOfAClosedStore(t *testing.T) {
	p := NewProxyStore(nil, nil)
	id := stored(t, p, 1)
	s := acquire(t, p, id)
	b, _ := bring(t, p, id)
	must(t, p.Close())
	must(t, count.Set(s, 2))
	wantErr(t, s.Save(t.Context()), ErrClosed)
	wantErr(t, s.Reload(t.Context()), ErrClosed)
	wantErr(t, b.Renew(t.Context()), ErrClosed)
	wantErr(t, b.Regenerate(t.Context()), ErrClosed)
	_, err := s.Destroy(t.Context())
	wantErr(t, err, ErrClosed)
	wantErr(t, p.Destroy(t.Context(), id), ErrClosed)
	_, _, err = p.Acquire(t.Context(), id)
	wantErr(t, err, ErrClosed)
	s.Touch()
	if errors.Is(err, ErrNotFound) || p.retired.has(id, now()) {
		t.Error("a closed store has ended the session")
	}
}
