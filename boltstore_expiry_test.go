package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
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
		if b.nextDue.Load() <= time.Now().UnixNano() {
			t.Error("the living session was not filed anew")
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

// TestBoltStoreCountsTheLiving: what expired already is ended by DestroyUser and Clear, but was no
// session any more.
func TestBoltStoreCountsTheLiving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		createMany(t, b, 4, func(i int, s *Session) {
			s.SetMaxAge(time.Duration(1+i%2) * time.Hour)
			if i < 2 {
				s.SetUser("ann")
			}
		})
		time.Sleep(time.Hour)
		if n, err := b.DestroyUser(t.Context(), "ann"); n != 1 || err != nil {
			t.Errorf("DestroyUser = %d, %v", n, err)
		}
		if n, err := b.Clear(t.Context()); n != 1 || err != nil {
			t.Errorf("Clear = %d, %v", n, err)
		}
		if n := b.Stats().Sessions; n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// TestBoltStoreSaveDuringClear: a save that is accepted while Clear is committed does not bring
// its session back.
func TestBoltStoreSaveDuringClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(saboteur)
		b := openBolt(t, &BoltOptions{SyncEvery: time.Second, commit: s.commit})
		late := create(t, b, testID(1))
		time.Sleep(2 * time.Second)
		s.next(func(tx *bolt.Tx) error {
			late.Set("n", 2)
			if err := late.Save(context.Background()); err != nil {
				t.Error(err)
			}
			return tx.Commit()
		})
		if n, err := b.Clear(t.Context()); n != 1 || err != nil {
			t.Errorf("Clear = %d, %v", n, err)
		}
		if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
			t.Errorf("Get: %v", err)
		}
		if n := b.Stats().Pending; n != 0 {
			t.Errorf("%d sessions are pending", n)
		}
	})
}
