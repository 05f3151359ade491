package session

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

func TestProxyRule3EntryLeavesWithItsLastHolder(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		a.release()
		a.release() // counts once
		equal(t, "entries while one holder is left", entries(p), 1)
		must(t, count.Set(b, 2))
		b.release()
		equal(t, "entries", entries(p), 0)
		n, _ := count.Get(acquire(t, p, id))
		equal(t, "count, of which nobody saved the change", n, 1)
	})
}

func TestProxyRule3EntryStaysWhileItIsSaved(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, count.Set(s, 2))
		at := g.block("Save", 1)
		saving := start(t, func() error { return s.Save(t.Context()) })
		at.wait()
		s.release()
		equal(t, "entries", entries(p), 1)
		other := acquire(t, p, id)
		n, _ := count.Get(other)
		equal(t, "count while it is saved", n, 2)
		at.open()
		saving.gives(nil)
		equal(t, "count in the store", countIn(t, g, id), 2)
		equal(t, "dirty", other.IsDirty(), false)
	})
}

// A goroutine's Save that waits for its turn when the handler returns belongs to the same state
// as the next request's handle.
func TestProxyRule3EntryStaysWhileASaveWaits(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, count.Set(s, 2))
		at := g.block("Get", 1)
		reading := start(t, func() error { return s.Reload(t.Context()) })
		at.wait()
		saving := start(t, func() error { return s.Save(t.Context()) })
		saving.waits()
		s.release()
		other := acquire(t, p, id)
		if other.state.Load() != s.state.Load() {
			t.Error("there are two live states")
		}
		at.open()
		reading.gives(nil)
		saving.gives(nil)
		n, _ := count.Get(other)
		equal(t, "count", n, 2)
	})
}

func TestProxyRule3EntryStaysWhileAComponentLoads(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := storedComponent(t, p, "cart", 3)
		s := acquire(t, p, id)
		at := g.block("Get", 1)
		loading := start(t, func() error { _, err := s.Component(t.Context(), "cart"); return err })
		at.wait()
		s.release()
		equal(t, "entries", entries(p), 1)
		at.open()
		loading.gives(nil)
		equal(t, "entries", entries(p), 0)
	})
}

// storedComponent stores a session with a count in a component.
func storedComponent(t *testing.T, s Store, component string, n int) ID {
	t.Helper()
	id := stored(t, s, 0)
	copied, err := s.Get(t.Context(), id)
	must(t, err)
	c, err := copied.Component(t.Context(), component)
	must(t, err)
	must(t, count.Set(c, n))
	must(t, s.Save(t.Context(), copied))
	return id
}

func TestProxyRule3NewSessionEntersTheMapWithItsFirstSave(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, _ := visit(t, p)
		equal(t, "entries", entries(p), 0)
		must(t, s.Save(t.Context()))
		equal(t, "saves of an empty new session", g.count("Save"), 0)
		must(t, count.Set(s, 1))
		at := g.blockAfter("Save", 1)
		saving := start(t, func() error { return s.Save(t.Context()) })
		at.wait()
		other := acquire(t, p, s.ID())
		if other.state.Load() != s.state.Load() {
			t.Error("there are two live states")
		}
		at.open()
		saving.gives(nil)
		equal(t, "new", s.IsNew(), false)
		equal(t, "count", countIn(t, g, s.ID()), 1)
	})
}

// logged is a ProxyStore's log.
func logged(p *ProxyStore) *bytes.Buffer {
	var b bytes.Buffer
	p.log = slog.New(slog.NewTextHandler(&b, nil))
	return &b
}

func TestProxyRule3DiscardedChangesAreLogged(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		log := logged(p)
		id := stored(t, p, 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		must(t, count.Set(a, 2))
		a.release()
		equal(t, "log while another holder can save", log.String(), "")
		b.release()
		if !strings.Contains(log.String(), id.Short()) || strings.Contains(log.String(), string(count)) {
			t.Errorf("the log is %q", log)
		}
	})
}

func TestProxyRule3DiscardedChangesAreToldToTheRequest(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		log := logged(p)
		s, r := bring(t, p, stored(t, p, 1))
		must(t, count.Set(s, 2))
		s.release()
		equal(t, "events", r.happened(), "discarded")

		s, r = visit(t, p)
		must(t, count.Set(s, 2))
		s.release()
		equal(t, "events of a new session", r.happened(), "discarded")

		s, r = visit(t, p)
		s.release()
		equal(t, "events of an empty new session", r.happened(), "")

		s, r = bring(t, p, stored(t, p, 1))
		must(t, count.Set(s, 2))
		_, err := s.Destroy(t.Context())
		must(t, err)
		s.release()
		equal(t, "events of an ended session", r.happened(), "ended")
		equal(t, "log", log.String(), "")
	})
}

// The last to hold the state is a save that fails after the handle was released.
func TestProxyRule3ChangesThatAFailedLateSaveLeavesAreLogged(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, r := bring(t, p, stored(t, p, 1))
		must(t, count.Set(s, 2))
		broken := errors.New("disk is gone")
		at := g.blockAndFail("Save", 1, broken)
		saving := start(t, func() error { return s.Save(t.Context()) })
		at.wait()
		s.release()
		equal(t, "events while it is saved", r.happened(), "")
		at.open()
		saving.gives(broken)
		equal(t, "events", r.happened(), "discarded")
	})
}

func TestProxyRule3ReleasedHandleDoesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := storedComponent(t, p, "cart", 3)
		s, r := bring(t, p, id)
		c, err := s.Component(t.Context(), "cart")
		must(t, err)
		s.release()
		other := acquire(t, p, id)

		wantErr(t, count.Set(s, 2), ErrReleased)
		wantErr(t, count.Set(c, 2), ErrReleased)
		_, err = count.Update(s, func(n int) int { return n + 1 })
		wantErr(t, err, ErrReleased)
		if _, ok := count.Pop(s); ok {
			t.Error("Pop of a released handle got the value")
		}
		count.Remove(s)
		s.RemoveAll()
		wantErr(t, s.SetUser("eve"), ErrReleased)
		wantErr(t, s.SetMaxAge(DefaultMaxAge/2), ErrReleased)
		wantErr(t, s.Save(t.Context()), ErrReleased)
		wantErr(t, s.Reload(t.Context()), ErrReleased)
		wantErr(t, s.Renew(t.Context()), ErrReleased)
		wantErr(t, s.Regenerate(t.Context()), ErrReleased)
		_, err = s.Destroy(t.Context())
		wantErr(t, err, ErrReleased)

		equal(t, "events", r.happened(), "")
		equal(t, "the other handle is dirty", other.IsDirty(), false)
		isAlive(t, other)
		n, _ := count.Get(c)
		equal(t, "what it still reads", n, 3)
	})
}

// A write comes before the release, which tells of it, or fails; here it waits for a renewal by
// another handle meanwhile.
func TestProxyRule3WriteThatWaitsIsRefusedAfterRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		id := stored(t, p, 1)
		a, _ := bring(t, p, id)
		b, r := bring(t, p, id)
		at := g.blockAndFail("Renew", 1, ErrFull)
		renewing := start(t, func() error { return a.Renew(t.Context()) })
		at.wait()
		setting := start(t, func() error { return count.Set(b, 2) })
		setting.waits()
		b.release()
		at.open()
		renewing.gives(ErrFull)
		setting.gives(ErrReleased)
		equal(t, "dirty", a.IsDirty(), false)
		equal(t, "events", r.happened(), "")
	})
}
