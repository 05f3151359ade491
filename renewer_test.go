package session

import (
	"strings"
	"testing"
	"testing/synctest"
)

// Over a store that cannot renew, a copy takes the place of what is stored, with what is dirty.
func TestRenewerCopiesEverything(t *testing.T) {
	const read, unread, cleared, emptied, made = "read", "unread", "cleared", "emptied", "made"
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		copied, err := p.Get(t.Context(), id)
		must(t, err)
		for _, name := range []string{read, unread, cleared, emptied} {
			c, err := copied.Component(t.Context(), name)
			must(t, err)
			must(t, count.Set(c, 1))
			must(t, label.Set(c, name))
		}
		must(t, copied.Save(t.Context()))

		s, _ := bring(t, p, id)
		component := func(s *Session, name string) *Component {
			c, err := s.Component(t.Context(), name)
			must(t, err)
			return c
		}
		count.Remove(component(s, read))
		component(s, cleared).RemoveAll()
		must(t, count.Set(component(s, cleared), 2))
		component(s, emptied).Remove(string(count), string(label))
		must(t, count.Set(component(s, made), 3))
		must(t, s.Renew(t.Context()))

		after, err := g.Get(t.Context(), s.ID())
		must(t, err)
		equalList(t, "components", after.Components(), []string{cleared, made, read, unread})
		want := map[string]string{"": "count", read: "label", unread: "count label", cleared: "count", emptied: "", made: "count"}
		for name, keys := range want {
			equal(t, "stored keys of "+name, strings.Join(component(after, name).Keys(), " "), keys)
			equal(t, "keys of "+name, strings.Join(component(s, name).Keys(), " "), keys)
		}
	})
}

func TestRenewerFindsTheSessionGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newPlainProxy(t)
		id := stored(t, p, 1)
		a, _ := bring(t, p, id)
		b := acquire(t, p, id)
		must(t, g.memory.Destroy(t.Context(), id))
		wantErr(t, a.Renew(t.Context()), ErrNotFound)
		isEnded(t, a, 1)
		isEnded(t, b, 1)
		equal(t, "retired", p.retired.has(id, now()), false)
	})
}

// A save of the renewing handle that waits for the renewal stores what was set since.
func TestRenewerSaveGoesOnWithTheRenewedSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := newProxy(t)
		s, _ := bring(t, p, stored(t, p, 1))
		at := g.block("Renew", 1)
		renewing := start(t, func() error { return s.Renew(t.Context()) })
		at.wait()
		setting := start(t, func() error { return count.Set(s, 2) })
		saving := start(t, func() error { return s.Save(t.Context()) })
		setting.waits()
		saving.waits()
		at.open()
		renewing.gives(nil)
		setting.gives(nil)
		saving.gives(nil)
		must(t, s.Save(t.Context())) // the other may have been before the Set
		equal(t, "count", countIn(t, g, s.ID()), 2)
		equal(t, "entries", entries(p), 1)
	})
}
