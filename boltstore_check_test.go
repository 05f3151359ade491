package session

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	bolt "go.etcd.io/bbolt"
)

// openBolt opens a store in a fresh file. At the end of the test it closes the store and checks
// the file as a whole.
func openBolt(t testing.TB, opts *BoltOptions) *BoltStore {
	t.Helper()
	return openBoltAt(t, filepath.Join(privateDir(t), "sessions.db"), opts)
}

// privateDir is t.TempDir, out of the reach of others.
func privateDir(t testing.TB) string {
	t.Helper()
	return t.TempDir()
}

func openBoltAt(t testing.TB, path string, opts *BoltOptions) *BoltStore {
	t.Helper()
	o := BoltOptions{NoSocket: true} // bubbles have none, and tests of the socket say so
	if opts != nil {
		o = *opts
		o.NoSocket = true
	}
	if o.Reap == "" && !o.ReadOnly {
		o.Reap = Never
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	b, err := Open(path, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		checkBolt(t, path)
	})
	return b
}

// checkBolt fails the test unless the closed file is sound, and what is in it agrees: every
// session stands in the indexes, every record belongs to a session, and the counter is right.
func checkBolt(t testing.TB, path string) {
	t.Helper()
	if _, err := boltfile.Verify(context.Background(), path, nil); err != nil {
		t.Errorf("verify: %v", err)
		return
	}
	f, err := boltfile.Open(context.Background(), path, boltfile.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Errorf("open to check: %v", err)
		return
	}
	defer f.Close()
	err = f.DB().View(func(tx *bolt.Tx) error {
		if err := checkFormat(tx); err != nil {
			return err
		}
		tab, err := openTables(tx)
		if err != nil {
			return err
		}
		for _, problem := range inconsistencies(tab) {
			t.Error(problem)
		}
		return nil
	})
	if err != nil {
		t.Errorf("check: %v", err)
	}
}

// inconsistencies scans everything.
func inconsistencies(tab tables) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	sessions := map[ID]*storedMeta{}
	tab.global.ForEach(func(k, v []byte) error {
		if len(k) != 33 {
			say("global bucket has a key of %d bytes", len(k))
		} else if id := ID(k); isMetaKey(k) {
			m, err := parseMeta(id, v)
			if err != nil {
				say("%s: %v", id.Short(), err)
				return nil
			}
			sessions[id] = m
		} else if _, err := parseValues("", id, v); err != nil || sessions[id] == nil {
			say("%s: data without session, or %v", id.Short(), err)
		}
		return nil
	})
	if n := tab.global.Sequence(); n != uint64(len(sessions)) {
		say("the counter says %d sessions, there are %d", n, len(sessions))
	}
	users := 0
	for id, m := range sessions {
		if m.filed > nanos(m.ExpiresAt()) {
			say("%s: filed after its deadline", id.Short())
		}
		if tab.expiry.Get(expiryKey(m.filed, id)) == nil {
			say("%s: not in the expiry index", id.Short())
		}
		if m.User != "" {
			if users++; tab.users.Get(userKey(m.User, id)) == nil {
				say("%s: not in the user index", id.Short())
			}
		}
		for _, name := range m.names {
			if b := tab.component(name); b == nil || b.Get(id[:]) == nil {
				say("%s: component %q is missing", id.Short(), name)
			}
		}
	}
	if n := tab.users.Stats().KeyN; n != users {
		say("the user index has %d entries, %d sessions have users", n, users)
	}
	tab.expiry.ForEach(func(k, v []byte) error {
		deadline, id, ok := parseExpiryKey(k)
		if m := sessions[id]; !ok || m == nil || m.filed != deadline {
			say("%s: stale entry in the expiry index", id.Short())
		}
		return nil
	})
	tab.sessions.ForEachBucket(func(name []byte) error {
		if bytes.Equal(name, globalBucket) {
			return nil
		}
		return tab.sessions.Bucket(name).ForEach(func(k, v []byte) error {
			m := sessions[ID(k)]
			if m == nil || !slices.Contains(m.names, string(name)) {
				say("%s: record of component %q without its session", ID(k).Short(), name)
			}
			if _, err := parseValues(string(name), ID(k), v); err != nil {
				say("%s: component %q: %v", ID(k).Short(), name, err)
			}
			return nil
		})
	})
	return problems
}

// testID returns the n-th of the IDs that tests use.
func testID(n int) ID { return TokenID(fmt.Sprint("test ", n)) }

// create stores a new session with one value.
func create(t testing.TB, store Store, id ID) *Session {
	t.Helper()
	s, err := store.Create(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set("n", 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// hide takes a file away, so that it cannot be opened again, until it is given back.
func hide(t testing.TB, path string) (giveBack func()) {
	t.Helper()
	if err := os.Rename(path, path+".hidden"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Rename(path+".hidden", path); err != nil {
			t.Fatal(err)
		}
	}
}

// createMany stores the sessions 0 to n-1, several at a time, so that they share commits.
func createMany(t testing.TB, b *BoltStore, n int, change func(i int, s *Session)) {
	t.Helper()
	var wg sync.WaitGroup
	const workers = 64
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				s := NewSession(b, testID(i), newMeta(time.Now(), time.Hour, 24*time.Hour))
				s.Set("n", 1)
				if change != nil {
					change(i, s)
				}
				if err := s.Save(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}
