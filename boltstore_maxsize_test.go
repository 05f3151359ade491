package session

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

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
