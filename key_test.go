package session

import (
	"sync"
	"testing"
)

func TestKeyGetSetRemove(t *testing.T) {
	s := newSession()
	v, ok := count.Get(s)
	equal(t, "of none", ok || v != 0, false)
	must(t, count.Set(s, 3))
	v, ok = count.Get(s)
	equal(t, "of one", ok && v == 3, true)
	count.Remove(s)
	_, ok = count.Get(s)
	equal(t, "of a removed one", ok, false)
}

func TestKeyPop(t *testing.T) {
	s := savedSession(t)
	v, ok := count.Pop(s)
	equal(t, "the first", ok && v == 1, true)
	v, ok = count.Pop(s)
	equal(t, "the second", ok || v != 0, false)
	must(t, s.Save(t.Context()))
	equal(t, "stored", countIn(t, s.store, s.ID()), 0)
	must(t, count.Set(s, 2))
	_, err := s.Destroy(t.Context())
	must(t, err)
	v, ok = count.Pop(s)
	equal(t, "of an ended session", ok || v != 0, false)
}

// Pop that read a value which another goroutine changes gets the newer one.
func TestKeyPopRunsAgainWhenTheKeyChanged(t *testing.T) {
	const key Key[marshaler] = "marshaler"
	s := newSession()
	must(t, key.Set(s, marshaler{n: 1}))
	unmarshaling = func() {
		unmarshaling = nil
		must(t, key.Set(s, marshaler{n: 2}))
	}
	defer func() { unmarshaling = nil }()
	m, ok := key.Pop(s)
	equal(t, "value", ok && m.n == 2, true)
	equal(t, "keys", len(s.Keys()), 0)
}

func TestKeyUpdate(t *testing.T) {
	s := savedSession(t)
	n, err := count.Update(s, func(n int) int { return n + 1 })
	must(t, err)
	equal(t, "result", n, 2)
	must(t, s.Save(t.Context()))
	_, err = count.Update(s, func(n int) int { return n })
	must(t, err)
	equal(t, "dirty after an update to what it was", s.IsDirty(), false)
	_, err = Key[any]("k").Update(s, func(any) any { return func() {} })
	wantErr(t, err, ErrUnsupportedValue)
	start(t, func() error {
		_, err := count.Update(s, func(int) int { panic(errPanic) })
		return err
	}).panics()
	must(t, count.Set(s, 5))
}

func TestKeyOfAComponent(t *testing.T) {
	s := savedSession(t)
	c, err := s.Component(t.Context(), "cart")
	must(t, err)
	must(t, count.Set(c, 2))
	n, _ := count.Get(s)
	equal(t, "the global one", n, 1)
	n, _ = count.Get(c)
	equal(t, "the component's", n, 2)
	var v Values = c
	_, ok := count.Pop(v)
	equal(t, "popped", ok, true)
}

func TestKeyPopGivesTheValueOnce(t *testing.T) {
	p, _ := newProxy(t)
	id := stored(t, p, 7)
	handles := make([]*Session, 64)
	for i := range handles {
		handles[i] = acquire(t, p, id)
	}
	var got [64]bool
	var wg sync.WaitGroup
	for i, s := range handles {
		wg.Go(func() { _, got[i] = count.Pop(s) })
	}
	wg.Wait()
	times := 0
	for _, ok := range got {
		if ok {
			times++
		}
	}
	equal(t, "times", times, 1)
	must(t, handles[0].Save(t.Context()))
}
