package session

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// held returns the IDs of sessions of eight values in a BoltStore behind its ProxyStore, the first
// of them live and its handle.
func held(t testing.TB) (p *ProxyStore, ids []ID, s *Session) {
	t.Helper()
	const n = 1000
	store := openBolt(t, nil)
	createMany(t, store, n, func(i int, s *Session) {
		for k := range 6 {
			s.Set(fmt.Sprint("key ", k), "a value of some length")
		}
		s.Set("count", 1)
	})
	for i := range n {
		ids = append(ids, testID(i))
	}
	p = store.proxy()
	s, release, err := p.Acquire(t.Context(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return p, ids, s
}

func BenchmarkKeyGet(b *testing.B) {
	_, _, s := held(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := count.Get(s); !ok {
			b.Fatal("no value")
		}
	}
}

func BenchmarkKeySet(b *testing.B) {
	_, _, s := held(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := count.Set(s, i); err != nil {
			b.Fatal(err)
		}
	}
	must(b, s.Save(context.Background()))
}

func addOne(n int) int { return n + 1 }

func BenchmarkKeyUpdate(b *testing.B) {
	_, _, s := held(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := count.Update(s, addOne); err != nil {
			b.Fatal(err)
		}
	}
	must(b, s.Save(context.Background()))
}

// BenchmarkAcquireLive is another request of a visitor who has one under way.
func BenchmarkAcquireLive(b *testing.B) {
	p, ids, _ := held(b)
	b.ReportAllocs()
	for b.Loop() {
		acquireOnce(b, p, ids[0])
	}
}

// BenchmarkAcquireStored is the first request of a visitor: the session is read from the file.
func BenchmarkAcquireStored(b *testing.B) {
	p, ids, _ := held(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		acquireOnce(b, p, ids[i%len(ids)])
	}
}

func acquireOnce(t testing.TB, p *ProxyStore, id ID) {
	_, release, err := p.Acquire(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func BenchmarkSessionTouch(b *testing.B) {
	_, _, s := held(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Touch()
	}
}

// TestHotPathAllocs: what each request does must not become dearer unseen.
func TestHotPathAllocs(t *testing.T) {
	p, ids, s := held(t)
	store, now, n := p.Unwrap().(*BoltStore), time.Now(), 0
	for _, c := range []struct {
		name string
		f    func()
		most float64
	}{
		{"Key.Get", func() { count.Get(s) }, 1},
		{"Key.Update", func() { count.Update(s, addOne) }, 2},
		{"Acquire, live", func() { acquireOnce(t, p, ids[0]) }, 1},
		{"Acquire, stored", func() { n++; acquireOnce(t, p, ids[1+n%500]) }, 32},
		{"touch", func() { store.touch(ids[0], now, time.Minute) }, 0},
		{"Session.Touch", s.Touch, 0},
		{"Length", func() { store.Length(context.Background()) }, 0},
	} {
		got := testing.AllocsPerRun(200, c.f)
		t.Logf("%s: %v allocations", c.name, got)
		if got > c.most {
			t.Errorf("%s: %v allocations, at most %v wanted", c.name, got, c.most)
		}
	}
	must(t, s.Save(t.Context()))
}
