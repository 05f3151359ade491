package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// has says whether the store still holds a session, expired or not.
func has(m *MemoryStore, id ID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[id] != nil
}

func TestMemoryStoreReapsDuringItsOwnCalls(t *testing.T) {
	ctx := context.Background()
	calls := map[string]func(m *MemoryStore, s *Session) error{
		"Create": func(m *MemoryStore, s *Session) error { _, err := m.Create(ctx, randomID()); return err },
		"Get":    func(m *MemoryStore, s *Session) error { _, err := m.Get(ctx, s.ID()); return err },
		"Save":   func(m *MemoryStore, s *Session) error { s.RemoveAll(); return m.Save(ctx, s) },
		"Touch":  func(m *MemoryStore, s *Session) error { return m.Touch(ctx, s.ID(), now()) },
		"Length": func(m *MemoryStore, s *Session) error { _, err := m.Length(ctx); return err },
		"ByUser": func(m *MemoryStore, s *Session) error { _, err := m.ByUser(ctx, "ann"); return err },
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := NewMemoryStore(nil)
				old := stored(t, m, 1)
				var told []ID
				m.OnDestroy(func(id ID, why Reason) {
					equal(t, "reason", why, Expired)
					told = append(told, id)
				})
				time.Sleep(DefaultMaxAge - time.Second)
				s, err := m.Create(ctx, randomID())
				must(t, err)
				must(t, m.Save(ctx, s))
				time.Sleep(10*time.Minute - time.Nanosecond)
				must(t, call(m, s))
				equal(t, "held within ten minutes of the last reaping", has(m, old), true)
				time.Sleep(time.Nanosecond)
				must(t, call(m, s))
				equal(t, "held", has(m, old), false)
				equal(t, "the unexpired one is held", has(m, s.ID()), true)
				equal(t, "told", len(told) == 1 && told[0] == old, true)
			})
		})
	}
}

func TestMemoryStoreReapInterval(t *testing.T) {
	for interval, wantHeld := range map[time.Duration]bool{0: false, time.Second: false, 24 * time.Hour: true, -1: true} {
		t.Run(interval.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := NewMemoryStore(&MemoryOptions{ReapInterval: interval})
				id := stored(t, m, 1)
				time.Sleep(DefaultMaxAge)
				equal(t, "count of an expired one", countIn(t, m, id), -1)
				equal(t, "held", has(m, id), wantHeld)
				n, err := m.Reap(t.Context())
				must(t, err)
				equal(t, "reaped", n == 1, wantHeld)
				equal(t, "held after Reap", has(m, id), false)
			})
		})
	}
}

// A session that has expired and is not reaped is neither listed nor in the way, but ended by
// what ends all.
func TestMemoryStoreExpiredAndNotReaped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemoryStore(&MemoryOptions{ReapInterval: -1})
		id := stored(t, m, 1)
		s, err := m.Get(t.Context(), id)
		must(t, err)
		must(t, s.SetUser("ann"))
		must(t, s.Save(t.Context()))
		time.Sleep(DefaultMaxAge)
		n, err := m.Length(t.Context())
		must(t, err)
		equal(t, "length", n, 0)
		for range m.All(t.Context()) {
			t.Error("it is listed")
		}
		infos, err := m.ByUser(t.Context(), "ann")
		must(t, err)
		equal(t, "by user", len(infos), 0)
		must(t, m.Touch(t.Context(), id, now()))
		equal(t, "count after a touch", countIn(t, m, id), -1)

		other := stored(t, m, 2)
		copied, err := m.Get(t.Context(), other)
		must(t, err)
		must(t, m.Renew(t.Context(), copied, id)) // takes its place
		equal(t, "count of what took its place", countIn(t, m, id), 2)
		time.Sleep(DefaultMaxAge)
		n, err = m.Clear(t.Context())
		must(t, err)
		equal(t, "cleared", n, 0)
		equal(t, "held", has(m, id), false)
	})
}

func TestMemoryStoreAllStops(t *testing.T) {
	m := NewMemoryStore(nil)
	for range 3 {
		stored(t, m, 1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	for info, err := range m.All(ctx) {
		if seen++; seen == 2 {
			wantErr(t, err, context.Canceled)
			break
		}
		must(t, err)
		equal(t, "keys", info.Components[""], 1)
		cancel()
	}
	equal(t, "seen", seen, 2)
	for _, err := range m.All(ctx) {
		wantErr(t, err, context.Canceled)
	}
	for range m.All(t.Context()) {
		break
	}
}

func TestMemoryStoreRenewOfAnEndedSession(t *testing.T) {
	m := NewMemoryStore(nil)
	s, err := m.Create(t.Context(), randomID())
	must(t, err)
	_, err = s.Destroy(t.Context()) // it was never stored
	must(t, err)
	to := randomID()
	wantErr(t, m.Renew(t.Context(), s, to), ErrNotFound)
	equal(t, "count", countIn(t, m, to), -1)

	s = savedSession(t)
	m = s.store.(*MemoryStore)
	must(t, m.Destroy(t.Context(), s.ID()))
	wantErr(t, m.Renew(t.Context(), s, to), ErrNotFound)
	isEnded(t, s, 1)
}

// A renewal of a copy takes its turn among the copy's saves: this one comes after it.
func TestMemoryStoreRenewWaitsForASave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateStore()
		s := NewSession(g, randomID(), newMeta(now(), DefaultMaxAge, DefaultLifetime))
		must(t, count.Set(s, 1))
		at := g.block("Save", 1)
		saving := start(t, func() error { return s.Save(t.Context()) })
		at.wait()
		to := randomID()
		renewing := start(t, func() error { return g.memory.Renew(t.Context(), s, to) })
		renewing.waits()
		at.open()
		saving.gives(nil)
		renewing.gives(nil)
		equal(t, "count under the old ID", countIn(t, g, s.ID()), -1)
		equal(t, "count under the new ID", countIn(t, g, to), 1)
	})
}

func TestMemoryStoreObserverIsCancelled(t *testing.T) {
	m := NewMemoryStore(nil)
	told := ""
	cancelA := m.OnDestroy(func(ID, Reason) { told += "a" })
	m.OnDestroy(func(ID, Reason) { told += "b" })
	must(t, m.Destroy(t.Context(), stored(t, m, 1)))
	cancelA()
	cancelA()
	must(t, m.Destroy(t.Context(), stored(t, m, 1)))
	must(t, m.Destroy(t.Context(), randomID())) // there is nothing to tell
	equal(t, "told", told, "abb")
}

func TestMemoryStoreRefusesAnOverfullComponent(t *testing.T) {
	m := NewMemoryStore(nil)
	id := stored(t, m, 1)
	a, err := m.Get(t.Context(), id)
	must(t, err)
	b, err := m.Get(t.Context(), id)
	must(t, err)
	big := make([]byte, 40000)
	must(t, a.Set("a", big))
	must(t, b.Set("b", big)) // neither knows of the other
	must(t, count.Set(b, 2))
	must(t, a.Save(t.Context()))
	wantErr(t, b.Save(t.Context()), ErrTooLarge)
	equal(t, "count", countIn(t, m, id), 1)
	equal(t, "dirty", b.IsDirty(), true)
}

func TestMemoryStoreSecondCreationFails(t *testing.T) {
	m := NewMemoryStore(nil)
	id := randomID()
	a, err := m.Create(t.Context(), id)
	must(t, err)
	b, err := m.Create(t.Context(), id)
	must(t, err)
	must(t, count.Set(a, 1))
	must(t, a.Save(t.Context()))
	wantErr(t, b.Save(t.Context()), ErrExists)
	_, err = m.Create(t.Context(), id)
	wantErr(t, err, ErrExists)
	wantErr(t, m.Renew(t.Context(), a, id), ErrExists)
	must(t, a.Save(t.Context()))
	equal(t, "count", countIn(t, m, id), 1)
}
