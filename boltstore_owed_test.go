package session

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestCloseStoresAllOwedEnds: ends that found no room are stored before Close returns, however
// many they are, once there is room.
func TestCloseStoresAllOwedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBolt(t, &BoltOptions{commit: fail.commit})
		const n = 1000
		createMany(t, b, n, func(_ int, s *Session) { s.SetUser("ann") })
		fail.next(noRoom, noRoom, noRoom)
		if _, err := b.DestroyUser(t.Context(), "ann"); !errors.Is(err, ErrFull) {
			t.Fatalf("DestroyUser gave %v, want ErrFull", err)
		}
		if owed := b.Stats().Refused; owed != n {
			t.Fatalf("%d ends are owed, want %d", owed, n)
		}
		fail.next() // there is room again
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		again := openBoltAt(t, b.path, nil)
		if left, err := again.Length(t.Context()); left != 0 || err != nil {
			t.Errorf("%d destroyed sessions are back, %v", left, err)
		}
	})
}

// TestCloseTellsOfOwedEnds: a Close that leaves ended sessions in the file says so.
func TestCloseTellsOfOwedEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBoltAtUnchecked(t, filepath.Join(t.TempDir(), "sessions.db"), &BoltOptions{commit: fail.commit})
		create(t, b, testID(1))
		fail.next(noRoom, noRoom, noRoom, noRoom, noRoom, noRoom)
		if err := b.Destroy(t.Context(), testID(1)); !errors.Is(err, ErrFull) {
			t.Fatalf("Destroy gave %v, want ErrFull", err)
		}
		if err := b.Close(); !errors.Is(err, ErrFull) {
			t.Errorf("Close gave %v while a destroyed session is in the file, want ErrFull", err)
		}
	})
}

// TestCloseRepairsAFailedSync: an accepted save survives a sync that fails once, also when that is
// the last one, and nothing is written to the failed file.
func TestCloseRepairsAFailedSync(t *testing.T) {
	for name, how := range map[string]func(*bolt.Tx) error{"before": syncFailed, "after": syncFailedAfterAll} {
		t.Run(name, func(t *testing.T) {
			fail := new(saboteur)
			path := filepath.Join(t.TempDir(), "sessions.db")
			b := openBoltAtUnchecked(t, path, &BoltOptions{commit: fail.commit, SyncEvery: time.Hour})
			create(t, b, testID(1))
			fail.next(how)
			if err := b.Close(); err != nil {
				t.Errorf("Close gave %v", err)
			}
			again := openBoltAt(t, path, nil)
			if _, err := again.Get(t.Context(), testID(1)); err != nil {
				t.Errorf("the accepted save is lost: %v", err)
			}
		})
	}
}
