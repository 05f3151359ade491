package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// createUntil stores a session that expires in maxAge.
func createUntil(t testing.TB, b *BoltStore, id ID, maxAge time.Duration) {
	t.Helper()
	s := NewSession(b, id, newMeta(time.Now(), maxAge, 24*time.Hour))
	s.Set("n", 1)
	if err := s.Save(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBoltStoreReapUnderWriters reaps half of the sessions while others write.
func TestBoltStoreReapUnderWriters(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		synctest.Test(t, func(t *testing.T) {
			b := openBolt(t, &opts)
			n := 10_000
			if opts.SyncEvery > 0 {
				n = 2_000
			}
			var wg sync.WaitGroup
			createMany(t, b, n, func(i int, s *Session) { s.SetMaxAge(time.Duration(1+i%2) * time.Hour) })
			time.Sleep(time.Hour)
			if got, err := b.Length(t.Context()); got != n/2 || err != nil {
				t.Errorf("Length = %d, %v before reaping", got, err)
			}
			stop := make(chan struct{})
			for w := range 8 {
				wg.Go(func() { writeUntil(t, b, stop, 2*w+1) })
			}
			reaped, err := b.Reap(t.Context())
			close(stop)
			wg.Wait()
			if reaped != n/2 || err != nil {
				t.Errorf("Reap = %d, %v", reaped, err)
			}
			if got, err := b.Length(t.Context()); got != n/2 || err != nil {
				t.Errorf("Length = %d, %v after reaping", got, err)
			}
			if again, err := b.Reap(t.Context()); again != 0 || err != nil {
				t.Errorf("second Reap = %d, %v", again, err)
			}
		})
	})
}

// writeUntil saves living sessions.
func writeUntil(t *testing.T, b *BoltStore, stop <-chan struct{}, n int) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		s, err := b.Get(t.Context(), testID(n))
		if err != nil {
			t.Error(err)
			return
		}
		s.Set("n", rand.Int())
		if err := s.Save(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestBoltStoreReapJudgesTouches: what is touched in memory only is not expired, and a session
// that lives on is filed anew.
func TestBoltStoreReapJudgesTouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, &BoltOptions{TouchInterval: 10 * time.Hour})
		var told []Reason
		b.OnDestroy(func(_ ID, r Reason) { told = append(told, r) })
		createUntil(t, b, testID(1), time.Hour)
		createUntil(t, b, testID(2), time.Hour)
		for range 5 {
			time.Sleep(40 * time.Minute)
			b.Touch(t.Context(), testID(1), time.Now())
		}
		if n, err := b.Length(t.Context()); n != 1 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
		if n, err := b.Reap(t.Context()); n != 1 || err != nil {
			t.Errorf("Reap = %d, %v", n, err)
		}
		s, err := b.Get(t.Context(), testID(1))
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Now().Add(time.Hour); !s.ExpiresAt().Equal(want) {
			t.Errorf("expires at %v, want %v", s.ExpiresAt(), want)
		}
		time.Sleep(time.Hour)
		if n, err := b.Reap(t.Context()); n != 1 || err != nil {
			t.Errorf("Reap = %d, %v", n, err)
		}
		if len(told) != 2 || told[0] != Expired {
			t.Errorf("observers were told %v", told)
		}
	})
}

// TestBoltStoreTouchNeverRevives: a touch that comes too late does not make an expired session
// live, neither in memory nor on its way to the file.
func TestBoltStoreTouchNeverRevives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, &BoltOptions{TouchInterval: time.Minute})
		createUntil(t, b, testID(1), time.Hour)
		time.Sleep(time.Hour)
		b.Touch(t.Context(), testID(1), time.Now())
		b.Touch(t.Context(), testID(2), time.Now()) // there is no such session
		for _, wait := range []time.Duration{0, 5 * time.Minute} {
			time.Sleep(wait)
			if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get: %v", err)
			}
			if n, err := b.Length(t.Context()); n != 0 || err != nil {
				t.Errorf("Length = %d, %v", n, err)
			}
		}
		if n := b.Stats().Touches; n != 0 {
			t.Errorf("%d touches stay in memory", n)
		}
	})
}

// TestBoltStoreStoresTouches: after TouchInterval, and at Close, touches are in the file.
func TestBoltStoreStoresTouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		createMany(t, b, 600, nil)
		time.Sleep(5 * time.Second)
		at, before := time.Now(), b.Stats().Commits
		for i := range 600 {
			b.Touch(t.Context(), testID(i), at)
		}
		time.Sleep(defaultTouchInterval + time.Second)
		if st := b.Stats(); st.Touches != 0 || st.Commits-before != 3 {
			t.Errorf("%d touches in memory, %d commits for 600 in groups of 256", st.Touches, st.Commits-before)
		}
		s, err := b.Get(t.Context(), testID(7))
		if err != nil || !s.LastAccess().Equal(at) {
			t.Errorf("last access %v, %v; want %v", s.LastAccess(), err, at)
		}
		s.Touch()
		late := s.LastAccess()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		again := openBoltAt(t, b.path, nil)
		if s, err := again.Get(t.Context(), testID(7)); err != nil || !s.LastAccess().Equal(late) {
			t.Errorf("last access after Close: %v, %v; want %v", s.LastAccess(), err, late)
		}
	})
}

// TestBoltStoreShortMaxAgeIsTouchedSooner: a crash must not log out who was there a moment ago.
func TestBoltStoreShortMaxAgeIsTouchedSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		createUntil(t, b, testID(1), 20*time.Second)
		s, _ := b.Get(t.Context(), testID(1))
		time.Sleep(time.Second)
		s.Touch()
		time.Sleep(2*time.Second + time.Millisecond)
		if n := b.Stats().Touches; n != 0 {
			t.Errorf("%d touches in memory after a tenth of the max age", n)
		}
	})
}

// TestBoltStoreShorterMaxAgeIsFiled: the index must lead to the session at its new deadline.
func TestBoltStoreShorterMaxAgeIsFiled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		s := create(t, b, testID(1))
		s.SetMaxAge(time.Minute)
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if n, err := b.Reap(t.Context()); n != 1 || err != nil {
			t.Errorf("Reap = %d, %v", n, err)
		}
	})
}

func TestBoltStoreReapsBySchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, &BoltOptions{Reap: "@every 5m"})
		createUntil(t, b, testID(1), time.Minute)
		time.Sleep(10 * time.Minute)
		if st := b.Stats(); st.Sessions != 0 || st.LastReap.IsZero() {
			t.Errorf("%+v", st)
		}
	})
}

func TestBoltStoreReapStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		createMany(t, b, 500, nil)
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		b.OnDestroy(func(ID, Reason) { cancel() })
		n, err := b.Reap(ctx)
		if n != reapChunk || !errors.Is(err, context.Canceled) {
			t.Errorf("Reap = %d, %v", n, err)
		}
		if left, err := b.Reap(t.Context()); left != 500-n || err != nil {
			t.Errorf("Reap = %d, %v", left, err)
		}
	})
}

// TestBoltStoreMaxSize: at the limit new sessions are ErrFull, existing ones are still saved, read
// and destroyed, and reaping makes room.
func TestBoltStoreMaxSize(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		synctest.Test(t, func(t *testing.T) {
			opts.MaxSize = 1 << 20
			b := openBolt(t, &opts)
			stored, err := fill(t, b)
			if !errors.Is(err, ErrFull) || stored < 50 || !b.Stats().Full {
				t.Fatalf("%d sessions stored, then %v", stored, err)
			}
			for i := range stored {
				s, err := b.Get(t.Context(), testID(i))
				if err != nil {
					t.Fatal(err)
				}
				s.Set("more", i)
				if err := s.Save(t.Context()); err != nil {
					t.Fatalf("save of an existing session: %v", err)
				}
			}
			if err := b.Destroy(t.Context(), testID(0)); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
			if n, err := b.Reap(t.Context()); n != stored-1 || err != nil {
				t.Errorf("Reap = %d, %v", n, err)
			}
			again, err := fill(t, b)
			if again < stored/2 {
				t.Errorf("after reaping there is room for %d sessions, before for %d: %v", again, stored, err)
			}
		})
	})
}

// fill stores sessions until that fails.
func fill(t *testing.T, b *BoltStore) (n int, err error) {
	for ; n < 10_000; n++ {
		s := NewSession(b, testID(n), newMeta(time.Now(), time.Minute*30, time.Hour))
		s.Set("data", make([]byte, 4000))
		if err := s.Save(t.Context()); err != nil {
			return n, err
		}
		if n%100 == 0 {
			time.Sleep(10 * time.Millisecond) // lets SyncEvery pass
		}
	}
	return n, nil
}

func TestTouchMark(t *testing.T) {
	base := time.Unix(1_800_000_000, 0)
	meta := Meta{LastAccess: base, MaxAge: time.Hour, End: base.Add(10 * time.Hour)}
	at := func(minutes ...int) (m touchMark) {
		for _, n := range minutes {
			at := nanos(base.Add(time.Duration(n) * time.Minute))
			m = m.add(at, at)
		}
		return m
	}
	for _, tc := range []struct {
		name string
		mark touchMark
		want int // minutes
	}{
		{"none", at(), 0},
		{"one", at(30), 30},
		{"earlier is nothing", at(30, 10), 30},
		{"before the last access", at(-10), 0},
		{"a chain", at(30, 80, 130), 130},
		{"too late", at(60), 0},
		{"a gap as long as the max age", at(30, 90), 0},
		{"joined", at(30, 40).join(at(80, 90)), 90},
		{"joined the other way round", at(80, 90).join(at(30, 40)), 90},
		{"joined with a gap", at(30).join(at(95)), 0},
		{"joined overlapping", at(30, 80).join(at(50, 70)), 80},
		{"ahead of its time", touchMark{}.add(at(30).last, at(90).last).add(at(100).last, at(140).last), 140},
		{"ahead, then too late", touchMark{}.add(at(30).last, at(90).last).add(at(150).last, at(150).last), 0},
		{"joined with none", at().join(at(30)), 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.mark.over(meta).LastAccess
			if want := base.Add(time.Duration(tc.want) * time.Minute); !got.Equal(want) {
				t.Errorf("last access %v after the last one, want %v minutes", got.Sub(base), tc.want)
			}
		})
	}
}
