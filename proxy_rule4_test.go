package session

import (
	"context"
	"errors"
	"testing"
)

func TestProxyRule4OneSaveIsInFlight(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		must(t, count.Set(a, 2))
		at := g.block("Save", 1)
		first := start(t, func() error { return a.Save(t.Context()) })
		at.wait()
		must(t, count.Set(b, 3))
		second := start(t, func() error { return b.Save(t.Context()) })
		second.waits()
		equal(t, "count before the first is done", countIn(t, g.memory, id), 1)
		at.open()
		first.gives(nil)
		second.gives(nil)
		equal(t, "count", countIn(t, g, id), 3)
		equal(t, "dirty", a.IsDirty(), false)
	})
}

func TestProxyRule4SaveDoesNotRepeatWhatAnotherStored(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		must(t, count.Set(a, 2))
		must(t, label.Set(b, "two"))
		before := g.count("Save")
		at := g.block("Save", 1)
		first := start(t, func() error { return a.Save(t.Context()) })
		at.wait()
		second := start(t, func() error { return b.Save(t.Context()) })
		second.waits()
		at.open()
		first.gives(nil)
		second.gives(nil)
		equal(t, "saves", g.count("Save")-before, 1)
	})
}

// What a save that fails had under way is stored by the one that waits for it.
func TestProxyRule4WaitingSaveStoresWhatTheFirstFailedTo(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		must(t, count.Set(a, 2))
		at := g.blockAndFail("Save", 1, ErrFull)
		first := start(t, func() error { return a.Save(t.Context()) })
		at.wait()
		second := start(t, func() error { return b.Save(t.Context()) })
		second.waits()
		at.open()
		first.gives(ErrFull)
		second.gives(nil)
		equal(t, "count", countIn(t, g, id), 2)
	})
}

// Each key is changed once before the save and once, or not, while it is committed.
func TestProxyRule4KeyIsCleanOnlyIfNotSetMeanwhile(t *testing.T) {
	const again, removed, put Key[int] = "again", "removed", "put"
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		for _, k := range []Key[int]{count, again, removed} {
			must(t, k.Set(s, 2))
		}
		at := g.block("Save", 1)
		saving := start(t, func() error { return s.Save(t.Context()) })
		at.wait()
		must(t, again.Set(s, 3))
		removed.Remove(s)
		must(t, put.Set(s, 3))
		at.open()
		saving.gives(nil)

		ch := s.Changes().Components[""]
		equal(t, "dirty values", len(ch.Set), 2)
		if ch.Set[string(again)] == nil || ch.Set[string(put)] == nil {
			t.Errorf("dirty: %v", ch.Set)
		}
		equalList(t, "removed", ch.Removed, []string{string(removed)})
		must(t, s.Save(t.Context()))
		copied, err := g.Get(t.Context(), id)
		must(t, err)
		equalList(t, "keys", copied.Keys(), []string{"again", "count", "put"})
		n, _ := again.Get(copied)
		equal(t, "what was set meanwhile", n, 3)
	})
}

func TestProxyRule4RemoveAllDuringASaveIsNotLost(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, label.Set(s, "two"))
		at := g.block("Save", 1)
		saving := start(t, func() error { return s.Save(t.Context()) })
		at.wait()
		s.RemoveAll()
		at.open()
		saving.gives(nil)
		must(t, s.Save(t.Context()))
		copied, err := g.Get(t.Context(), id)
		must(t, err)
		equal(t, "keys", len(copied.Keys()), 0)
	})
}

func TestProxyRule4MetadataIsCleanOnlyIfNotSetMeanwhile(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, s.SetUser("ann"))
		at := g.block("Save", 1)
		saving := start(t, func() error { return s.Save(t.Context()) })
		at.wait()
		must(t, s.SetUser("bob"))
		at.open()
		saving.gives(nil)
		equal(t, "dirty", s.IsDirty(), true)
		must(t, s.Save(t.Context()))
		copied, err := g.Get(t.Context(), id)
		must(t, err)
		equal(t, "user", copied.User(), "bob")
	})
}

func TestProxyRule4FailedSaveLeavesItDirty(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, count.Set(s, 2))
		for _, failure := range []error{ErrFull, ErrUncertain, context.DeadlineExceeded, errors.New("connection lost")} {
			g.fail("Save", 1, failure)
			wantErr(t, s.Save(t.Context()), failure)
			equal(t, "dirty", s.IsDirty(), true)
		}
		must(t, s.Save(t.Context()))
		equal(t, "count", countIn(t, g, id), 2)
	})
}

func TestProxyRule4DoneContextSavesNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, count.Set(s, 2))
		ctx, cancel := context.WithCancel(t.Context())
		at := g.block("Save", 1)
		first := start(t, func() error { return s.Save(t.Context()) })
		at.wait()
		second := start(t, func() error { return s.Save(ctx) })
		second.waits()
		cancel()
		second.gives(context.Canceled)
		at.open()
		first.gives(nil)

		must(t, count.Set(s, 3))
		saves := g.count("Save")
		wantErr(t, s.Save(ctx), context.Canceled)
		equal(t, "saves", g.count("Save"), saves)
		equal(t, "dirty", s.IsDirty(), true)
	})
}

// A first save that may have happened used up the right to create the session: another one
// must not bring it back when it was destroyed meanwhile.
func TestProxyRule4UncertainFirstSaveUsesUpTheCreation(t *testing.T) {
	failures := map[string]func(g *gateStore) (want error){
		"uncertain": func(g *gateStore) error { g.failAfter("Save", 1, ErrUncertain); return ErrUncertain },
		"panic":     func(g *gateStore) error { g.panicAfter("Save", 1); return nil },
	}
	for name, fail := range failures {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
				s, _ := visit(t, p)
				must(t, count.Set(s, 1))
				want := fail(g)
				first := start(t, func() error { return s.Save(t.Context()) })
				if want != nil {
					first.gives(want)
				} else {
					first.panics()
				}
				equal(t, "dirty", s.IsDirty(), true)
				must(t, g.memory.Destroy(t.Context(), s.ID()))
				wantErr(t, s.Save(t.Context()), ErrNotFound)
				equal(t, "count", countIn(t, g, s.ID()), -1)
			})
		})
	}
}

func TestProxyRule4CleanlyFailedFirstSaveMayBeRepeated(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, _ := visit(t, p)
		must(t, count.Set(s, 1))
		g.fail("Save", 1, ErrFull)
		wantErr(t, s.Save(t.Context()), ErrFull)
		equal(t, "new", s.IsNew(), true)
		must(t, s.Save(t.Context()))
		equal(t, "count", countIn(t, g, s.ID()), 1)
	})
}

func TestProxyRule4RequestMayForbidTheCreation(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, r := visit(t, p)
		r.create = ErrHeadersSent
		must(t, s.Save(t.Context()))
		must(t, count.Set(s, 1))
		wantErr(t, s.Save(t.Context()), ErrHeadersSent)
		equal(t, "saves", g.count("Save"), 0)
		equal(t, "entries", entries(p), 0)
	})
}

func TestProxyRule4PanickingSaveLeavesNothingLocked(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s := acquire(t, p, stored(t, p, 1))
		must(t, count.Set(s, 2))
		g.panicAfter("Save", 1)
		start(t, func() error { return s.Save(t.Context()) }).panics()
		isAlive(t, s)
	})
}
