package session

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestBoltStoreUncertain(t *testing.T) {
	for name, how := range map[string]func(*bolt.Tx) error{
		"not stored": syncFailed, "stored": syncFailedAfterAll, "panic": panics,
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, b *BoltStore, fail *saboteur) {
				create(t, b, testID(1))
				create(t, b, testID(2))
				time.Sleep(time.Second)
				var told []string
				b.OnDestroy(func(id ID, r Reason) { told = append(told, id.Short()+r.String()) })
				fail.next(how)
				if err := b.Destroy(t.Context(), testID(1)); !errors.Is(err, ErrUncertain) {
					t.Fatalf("Destroy: %v", err)
				}
				if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
					t.Errorf("refused session: %v", err)
				}
				time.Sleep(10 * time.Second)
				if st := b.Stats(); st.Reopens != 1 || st.Refused != 0 || st.Failed {
					t.Errorf("after reopening: %+v", st)
				}
				if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
					t.Errorf("refused session after reopening: %v", err)
				}
				if _, err := b.Get(t.Context(), testID(2)); err != nil {
					t.Errorf("the other session: %v", err)
				}
				create(t, b, testID(3))
				if n, err := b.Length(t.Context()); n != 2 || err != nil {
					t.Errorf("Length = %d, %v", n, err)
				}
				if len(told) != 1 {
					t.Errorf("observers were told %q", told)
				}
			})
		})
	}
}

// TestBoltStoreFailedWhileReopening: as long as the file cannot be opened, writes are ErrFailed at
// once, reads after a while, and a destroyed session stays dead.
func TestBoltStoreFailedWhileReopening(t *testing.T) {
	eachMode(t, func(t *testing.T, b *BoltStore, fail *saboteur) {
		create(t, b, testID(1))
		s := create(t, b, testID(2))
		time.Sleep(time.Second)
		giveBack := hide(t, b.path)
		fail.next(syncFailed)
		if err := b.Destroy(t.Context(), testID(9)); err != nil {
			t.Fatal(err) // nothing to commit
		}
		if err := b.Destroy(t.Context(), testID(1)); !errors.Is(err, ErrUncertain) {
			t.Fatalf("Destroy: %v", err)
		}
		time.Sleep(time.Second)
		s.Set("n", 2)
		if err := s.Save(t.Context()); !errors.Is(err, ErrFailed) {
			t.Errorf("Save: %v", err)
		}
		if _, err := b.Get(t.Context(), testID(2)); !errors.Is(err, ErrFailed) {
			t.Errorf("Get: %v", err)
		}
		if err := b.Destroy(t.Context(), testID(2)); !errors.Is(err, ErrFailed) {
			t.Errorf("Destroy: %v", err)
		}
		if !b.Stats().Failed {
			t.Error("Stats do not say that the store failed")
		}
		giveBack()
		time.Sleep(2 * maxReopenPause)
		for id := range 2 {
			if _, err := b.Get(t.Context(), testID(id+1)); !errors.Is(err, ErrNotFound) {
				t.Errorf("session %d: %v", id+1, err)
			}
		}
		create(t, b, testID(3))
	})
}

func TestBoltStoreCloseWhileFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b, err := Open(t.TempDir()+"/sessions.db", &BoltOptions{commit: fail.commit, NoSocket: true, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		create(t, b, testID(1))
		hide(t, b.path)
		fail.next(syncFailed)
		if err := b.Destroy(t.Context(), testID(1)); !errors.Is(err, ErrUncertain) {
			t.Fatalf("Destroy: %v", err)
		}
		synctest.Wait()
		if err := b.Close(); !errors.Is(err, ErrFailed) {
			t.Errorf("Close: %v", err)
		}
		if _, err := b.Get(context.Background(), testID(1)); !errors.Is(err, ErrClosed) {
			t.Errorf("Get after Close: %v", err)
		}
	})
}

// TestBoltStoreUncertainKeepsAcceptedSaves: what was accepted and not committed survives an
// uncertain commit, whether that happened or not.
func TestBoltStoreUncertainKeepsAcceptedSaves(t *testing.T) {
	for name, how := range map[string]func(*bolt.Tx) error{"not stored": syncFailed, "stored": syncFailedAfterAll} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fail := new(saboteur)
				b := openBolt(t, &BoltOptions{SyncEvery: time.Second, commit: fail.commit})
				fail.next(how)
				for i := range 600 {
					create(t, b, testID(i))
				}
				time.Sleep(time.Minute)
				if st := b.Stats(); st.Pending != 0 || st.Sessions != 600 || st.Reopens != 1 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// TestBoltStoreUncertainRenew: whether the renewal happened or not, there is one session
// afterwards, with what was accepted before.
func TestBoltStoreUncertainRenew(t *testing.T) {
	for name, tc := range map[string]struct {
		how   func(*bolt.Tx) error
		alive ID
		dead  ID
	}{
		"not stored": {syncFailed, testID(1), testID(2)},
		"stored":     {syncFailedAfterAll, testID(2), testID(1)},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, b *BoltStore, fail *saboteur) {
				s := create(t, b, testID(1))
				s.Set("n", 2)
				fail.next(tc.how)
				if err := b.Renew(t.Context(), s, testID(2)); !errors.Is(err, ErrUncertain) {
					t.Fatalf("Renew: %v", err)
				}
				time.Sleep(time.Minute)
				if _, err := b.Get(t.Context(), tc.alive); err != nil {
					t.Errorf("the session: %v", err)
				}
				if _, err := b.Get(t.Context(), tc.dead); !errors.Is(err, ErrNotFound) {
					t.Errorf("the other ID: %v", err)
				}
				if n, err := b.Length(t.Context()); n != 1 || err != nil {
					t.Errorf("Length = %d, %v", n, err)
				}
			})
		})
	}
}

// TestBoltStoreUncertainForEver: a store whose file opens but does not sync any more does not keep
// trying without a pause, and its Close returns and says that accepted saves are not stored.
func TestBoltStoreUncertainForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing atomic.Bool
		var tries atomic.Int64
		b := openBoltAtUnchecked(t, t.TempDir()+"/sessions.db", &BoltOptions{SyncEvery: time.Second, commit: func(tx *bolt.Tx) error {
			if !failing.Load() {
				return tx.Commit()
			}
			if tries.Add(1) > 1000 {
				return tx.Commit() // for ever, as it seems
			}
			return errSync
		}})
		create(t, b, testID(1))
		failing.Store(true)
		time.Sleep(time.Minute)
		if n := tries.Load(); n > 20 {
			t.Errorf("%d tries to store in a minute", n)
		}
		if _, err := b.Get(t.Context(), testID(1)); err != nil {
			t.Errorf("the accepted save: %v", err)
		}
		if err := b.Close(); !errors.Is(err, ErrFailed) {
			t.Errorf("Close: %v", err)
		}
	})
}
