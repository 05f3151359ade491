package session

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A1: ends that are owed are retried at Close, but only 512 of them, and Close says nothing.
func TestAttackCloseRetriesAllRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBolt(t, &BoltOptions{commit: fail.commit})
		const n = 1000
		createMany(t, b, n, func(i int, s *Session) { s.SetUser("ann") })
		fail.next(noRoom, noRoom, noRoom)
		if _, err := b.DestroyUser(t.Context(), "ann"); !errors.Is(err, ErrFull) {
			t.Fatalf("DestroyUser: %v", err)
		}
		if r := b.Stats().Refused; r != n {
			t.Fatalf("refused %d", r)
		}
		fail.next() // there is room again
		err := b.Close()
		again := openBoltAt(t, b.path, nil)
		if left, _ := again.Length(t.Context()); left > 0 {
			t.Errorf("%d destroyed sessions are back after Close, which said %v", left, err)
		}
	})
}

// A1b: Close cannot store owed ends: it should say so.
func TestAttackCloseTellsOfRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBoltAtUnchecked(t, filepath.Join(privateDir(t), "sessions.db"), &BoltOptions{commit: fail.commit})
		create(t, b, testID(1))
		fail.next(noRoom, noRoom, noRoom, noRoom, noRoom, noRoom)
		if err := b.Destroy(t.Context(), testID(1)); !errors.Is(err, ErrFull) {
			t.Fatalf("Destroy: %v", err)
		}
		if err := b.Close(); err == nil {
			t.Error("Close returned nil although a destroyed session is still in the file")
		}
	})
}

// A2: a sync fails in the last flush of Close.
func TestAttackCloseAfterFailedSync(t *testing.T) {
	for name, how := range map[string]func(*bolt.Tx) error{"before": syncFailed, "after": syncFailedAfterAll} {
		t.Run(name, func(t *testing.T) {
			fail := new(saboteur)
			b := openBoltAtUnchecked(t, filepath.Join(privateDir(t), "sessions.db"), &BoltOptions{commit: fail.commit, SyncEvery: time.Hour})
			create(t, b, testID(1))
			var tx atomic.Int64
			fail.next(func(tx2 *bolt.Tx) error { err := how(tx2); tx.Store(int64(tx2.ID())); return err })
			err := b.Close()
			if errors.Is(err, ErrFull) {
				t.Errorf("Close after a failed sync: %v", err)
			}
			t.Log("Close:", err)
			again := openBoltAtUnchecked(t, b.path, nil)
			if _, err := again.Get(t.Context(), testID(1)); err != nil {
				t.Errorf("the accepted save is lost after one failed sync: %v", err)
			}
		})
	}
}

// A3: due times must not be the wall clock's: set back by an hour it delays a flush, which
// SyncEvery bounds, by an hour.
func TestAttackClockSetBackSyncEvery(t *testing.T) {
	b := openBolt(t, &BoltOptions{SyncEvery: time.Hour})
	s := create(t, b, testID(1))
	if at := time.Duration(b.queue.flushAt.Load()); at > 2*time.Hour {
		t.Errorf("the flush is due at %v since 1970", at)
	}
	s.Touch()
	if at := time.Duration(b.queue.touchAt.Load()); at > 2*time.Hour {
		t.Errorf("the touch is due at %v since 1970", at)
	}
}

// A4: two processes start with a damaged file and MoveAside.
func TestAttackMoveAsideTwice(t *testing.T) {
	for range 20 {
		path := damagedFile(t)
		var wg sync.WaitGroup
		stores := make([]*BoltStore, 4)
		for i := range stores {
			wg.Go(func() {
				b, err := Open(path, &BoltOptions{OnCorrupt: MoveAside, Reap: Never, Logger: slog.New(slog.DiscardHandler), Timeout: 50 * time.Millisecond})
				if err == nil {
					stores[i] = b
				}
			})
		}
		wg.Wait()
		open := 0
		for _, b := range stores {
			if b != nil {
				open++
				if err := b.file.CheckPath(); err != nil {
					t.Errorf("an open store's file was moved aside by another opener: %v", err)
				}
				b.Close()
			}
		}
		if open > 1 {
			t.Fatalf("%d stores are open at once", open)
		}
	}
}

// A5: SetMaxAge that prolongs, accepted while alive, flushed after the old deadline.
func TestAttackProlongedPendingSave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, &BoltOptions{SyncEvery: 10 * time.Second})
		s := create(t, b, testID(1))
		time.Sleep(DefaultMaxAge - 5*time.Second)
		if err := s.SetMaxAge(24 * time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(7 * time.Second)
		if _, err := b.Get(t.Context(), testID(1)); err != nil {
			t.Errorf("Get while pending: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := b.Get(t.Context(), testID(1)); err != nil {
			t.Errorf("an acknowledged save was dropped at its flush, and the session with it: %v", err)
		}
	})
}

// A6: extreme lifetimes.
func TestAttackEndlessLifetime(t *testing.T) {
	b := openBolt(t, nil)
	now := time.Now().Round(0).UTC()
	s := NewSession(b, testID(1), newMeta(now, 1<<63-1, 1<<63-1))
	s.Set("n", 1)
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), testID(1)); err != nil {
		t.Error(err)
	}
	if n, err := b.Length(t.Context()); n != 1 {
		t.Error(n, err)
	}
	if n, err := b.Reap(t.Context()); n != 0 || err != nil {
		t.Error(n, err)
	}
	if _, err := b.Get(t.Context(), testID(1)); err != nil {
		t.Error(err)
	}
}

// A7: many components.
func TestAttackManyComponents(t *testing.T) {
	b := openBolt(t, nil)
	s := create(t, b, testID(1))
	var names []string
	for i := range 5000 {
		name := testID(i).String()
		names = append(names, name)
		c, err := s.Component(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		c.Set("k", 1)
	}
	start := time.Now()
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Log("save", time.Since(start))
	start = time.Now()
	if _, err := b.Get(t.Context(), testID(1), names...); err != nil {
		t.Error(err)
	}
	t.Log("get", time.Since(start))
	b.Close()
	again := openBoltAt(t, b.path, nil)
	if _, err := again.Get(t.Context(), testID(1), names...); err != nil {
		t.Error(err)
	}
}

var _ = fs.ErrExist
var _ = syscall.EIO
var _ = bytes.Equal
var _ = strings.Cut
var _ = context.Background
