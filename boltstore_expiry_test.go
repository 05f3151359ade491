package session

import (
	"context"
	"errors"
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
