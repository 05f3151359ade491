package session

import (
	"encoding/binary"
	"sync"
	"testing"
	"testing/synctest"
)

func TestProxyRule5UpdateReadsTheSessionInFn(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s := acquire(t, p, stored(t, p, 4))
		n, err := count.Update(s, func(n int) int {
			must(t, label.Set(s, "from inside"))
			old, _ := count.Get(s)
			return n + old + len(s.Keys()) + len(s.User())
		})
		must(t, err)
		equal(t, "result", n, 10)
	})
}

func TestProxyRule5UpdateRunsAgainWhenTheKeyChanged(t *testing.T) {
	changes := map[string]func(t *testing.T, s *Session){
		"set":             func(t *testing.T, s *Session) { must(t, count.Set(s, 10)) },
		"removed and set": func(t *testing.T, s *Session) { count.Remove(s); must(t, count.Set(s, 10)) },
		"removed":         func(t *testing.T, s *Session) { count.Remove(s) },
		"removed all":     func(t *testing.T, s *Session) { s.RemoveAll() },
		"set to the same": func(t *testing.T, s *Session) { must(t, count.Set(s, 0)); must(t, count.Set(s, 1)) },
	}
	wants := map[string]int{"set": 11, "removed and set": 11, "removed": 1, "removed all": 1, "set to the same": 2}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
				id := stored(t, p, 1)
				a, b := acquire(t, p, id), acquire(t, p, id)
				runs := 0
				n, err := count.Update(a, func(n int) int {
					if runs++; runs == 1 {
						change(t, b)
					}
					return n + 1
				})
				must(t, err)
				equal(t, "runs of fn", runs, 2)
				equal(t, "result", n, wants[name])
			})
		})
	}
}

func TestProxyRule5UpdateDoesNotRunAgainWhenAnotherKeyChanged(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		runs := 0
		_, err := count.Update(a, func(n int) int {
			runs++
			must(t, label.Set(b, "other"))
			must(t, b.Save(t.Context()))
			return n + 1
		})
		must(t, err)
		equal(t, "runs of fn", runs, 1)
	})
}

func TestProxyRule5UpdateIsExact(t *testing.T) {
	const workers, each = 64, 50
	p, g := newProxy(t)
	id := stored(t, p, 0)
	acquire(t, p, id) // keeps it live
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			s, release, err := p.Acquire(t.Context(), id)
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			for range each {
				if _, err := count.Update(s, func(n int) int { return n + 1 }); err != nil {
					t.Error(err)
				}
			}
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	equal(t, "count", countIn(t, g, id), workers*each)
}

// marshaler runs code when it is encoded and decoded.
type marshaler struct {
	n    uint16
	hook func()
}

func (m marshaler) MarshalBinary() ([]byte, error) {
	if m.hook != nil {
		m.hook()
	}
	return binary.BigEndian.AppendUint16(nil, m.n), nil
}

func (m *marshaler) UnmarshalBinary(b []byte) error {
	m.n = binary.BigEndian.Uint16(b)
	if unmarshaling != nil {
		unmarshaling()
	}
	return nil
}

var unmarshaling func() // what every marshaler runs when it is decoded

func TestProxyRule5MarshalersRunWithoutLocks(t *testing.T) {
	const key Key[marshaler] = "marshaler"
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s := acquire(t, p, stored(t, p, 1))
		uses := 0
		use := func() {
			uses++
			must(t, label.Set(s, "from a marshaler"))
			must(t, s.Save(t.Context()))
		}
		must(t, key.Set(s, marshaler{n: 1, hook: use}))
		_, err := key.Update(s, func(m marshaler) marshaler { return marshaler{n: m.n + 1, hook: use} })
		must(t, err)
		unmarshaling = use
		defer func() { unmarshaling = nil }()
		m, _ := key.Get(s)
		equal(t, "value", m.n, 2)
		key.Pop(s)
		if uses < 4 {
			t.Errorf("the marshaler ran %d times", uses)
		}
	})
}

func TestProxyRule5ReloadKeepsDirtyKeys(t *testing.T) {
	const gone, mine, theirs Key[int] = "gone", "mine", "theirs"
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, gone.Set(s, 1))
		must(t, s.Save(t.Context()))
		must(t, mine.Set(s, 2))
		gone.Remove(s)

		copied, err := g.Get(t.Context(), id)
		must(t, err)
		for _, k := range []Key[int]{count, gone, mine, theirs} {
			must(t, k.Set(copied, 9))
		}
		must(t, g.Save(t.Context(), copied))
		must(t, s.Reload(t.Context()))

		equalList(t, "keys", s.Keys(), []string{"count", "mine", "theirs"})
		for k, want := range map[Key[int]]int{count: 9, theirs: 9, mine: 2} {
			n, _ := k.Get(s)
			equal(t, string(k), n, want)
		}
		must(t, s.Save(t.Context()))
		copied, err = g.Get(t.Context(), id)
		must(t, err)
		equalList(t, "stored keys", copied.Keys(), s.Keys())
	})
}

func TestProxyRule5ReloadKeepsDirtyRemoveAllAndMetadata(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		s.RemoveAll()
		must(t, s.SetUser("ann"))
		must(t, s.Reload(t.Context()))
		equal(t, "keys", len(s.Keys()), 0)
		equal(t, "user", s.User(), "ann")
		must(t, s.Save(t.Context()))
		must(t, s.Reload(t.Context()))
		equal(t, "keys", len(s.Keys()), 0)
		equal(t, "user", s.User(), "ann")
	})
}

// The read is older than the commit that would come while it is on its way.
func TestProxyRule5ReloadIsNeverOlderThanACommit(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		at := g.blockAfter("Get", 1)
		reading := start(t, func() error { return a.Reload(t.Context()) })
		at.wait()
		must(t, count.Set(b, 2))
		saving := start(t, func() error { return b.Save(t.Context()) })
		synctest.Wait()
		at.open()
		reading.gives(nil)
		saving.gives(nil)
		n, _ := count.Get(a)
		equal(t, "count", n, 2)
		equal(t, "stored count", countIn(t, g, id), 2)
	})
}

// The same for a component, which another handle loads, changes and saves meanwhile.
func TestProxyRule5ComponentIsNeverOlderThanACommit(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := storedComponent(t, p, "cart", 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		at := g.blockAfter("Get", 1)
		reading := start(t, func() error { _, err := a.Component(t.Context(), "cart"); return err })
		at.wait()
		saving := start(t, func() error {
			c, err := b.Component(t.Context(), "cart")
			if err != nil {
				return err
			}
			if err := count.Set(c, 2); err != nil {
				return err
			}
			return b.Save(t.Context())
		})
		synctest.Wait()
		at.open()
		reading.gives(nil)
		saving.gives(nil)
		c, err := a.Component(t.Context(), "cart")
		must(t, err)
		n, _ := count.Get(c)
		equal(t, "count", n, 2)
	})
}

// An Update whose read came before a Reload runs again on what that read.
func TestProxyRule5UpdateSeesAReload(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		copied, err := g.Get(t.Context(), id)
		must(t, err)
		must(t, count.Set(copied, 10))
		must(t, g.Save(t.Context(), copied))
		runs := 0
		n, err := count.Update(s, func(n int) int {
			if runs++; runs == 1 {
				must(t, s.Reload(t.Context()))
			}
			return n + 1
		})
		must(t, err)
		equal(t, "result", n, 11)
	})
}

func TestProxyRule5ReloadOfAnEndedSession(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		g.fail("Get", 1, ErrFailed)
		wantErr(t, s.Reload(t.Context()), ErrFailed)
		isAlive(t, s)
		must(t, g.memory.Destroy(t.Context(), id))
		wantErr(t, s.Reload(t.Context()), ErrNotFound)
		isEnded(t, s, 1)
	})
}

func TestProxyRule5ReloadOfANewSessionReadsNothing(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s, _ := visit(t, p)
		must(t, count.Set(s, 1))
		must(t, s.Reload(t.Context()))
		n, _ := count.Get(s)
		equal(t, "count", n, 1)
		equal(t, "reads", g.count("Get"), 0)
	})
}
