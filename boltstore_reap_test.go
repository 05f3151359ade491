package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

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

// TestBoltStoreReapStops: when its context is done; the next run ends what it left undone.
func TestBoltStoreReapStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		createMany(t, b, 500, func(i int, s *Session) { s.SetUser(fmt.Sprintf("user-%d", i%50)) })
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		b.OnDestroy(func(ID, Reason) { cancel() })
		n, err := b.Reap(ctx)
		if n != reapChunk || !errors.Is(err, context.Canceled) {
			t.Errorf("Reap = %d, %v", n, err)
		}
		if users := usersKept(t, b); users != 500 {
			t.Errorf("%d entries in the user index after the first chunk", users)
		}
		if n, err := b.Reap(ctx); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("Reap = %d, %v; the context is done", n, err)
		}
		if left, err := b.Reap(t.Context()); left != 500-n || err != nil {
			t.Errorf("Reap = %d, %v", left, err)
		}
		if users := usersKept(t, b); users != 0 {
			t.Errorf("%d entries in the user index after the next run", users)
		}
	})
}

// usersKept returns how many entries the user index has.
func usersKept(t *testing.T, b *BoltStore) (n int) {
	t.Helper()
	err := b.viewTables(func(tab tables) error {
		n = tab.users.Stats().KeyN
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// TestBoltStoreReapSparesNewSessions: a session that takes the ID of one that is being reaped, with the
// same user, stays in the indexes.
func TestBoltStoreReapSparesNewSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		anns := func(_ int, s *Session) { s.SetUser("ann") }
		createMany(t, b, 300, anns)
		time.Sleep(time.Hour)
		b.OnDestroy(func(id ID, _ Reason) {
			s, err := b.Create(t.Context(), id)
			if err != nil {
				t.Error(err)
				return
			}
			s.SetUser("ann")
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if n, err := b.Reap(t.Context()); n != 300 || err != nil {
			t.Errorf("Reap = %d, %v", n, err)
		}
		if infos, err := b.ByUser(t.Context(), "ann"); len(infos) != 300 || err != nil {
			t.Errorf("ByUser: %d, %v", len(infos), err)
		}
	})
}
