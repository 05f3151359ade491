package session

import (
	"bytes"
	"context"
	"errors"
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
	return openBoltAt(t, filepath.Join(t.TempDir(), "sessions.db"), opts)
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
func inconsistencies(tab tables) []string {
	s := &scan{tables: tab, sessions: map[ID]*storedMeta{}}
	tab.global.ForEach(s.global)
	if n := tab.global.Sequence(); n != uint64(len(s.sessions)) {
		s.say("the counter says %d sessions, there are %d", n, len(s.sessions))
	}
	for id, m := range s.sessions {
		s.session(id, m)
	}
	tab.users.ForEach(func(k, _ []byte) error {
		user, id, ok := parseUserKey(k)
		if m := s.sessions[id]; !ok || m == nil || m.User != string(user) {
			s.say("%s: stale entry in the user index", id.Short())
		}
		return nil
	})
	tab.expiry.ForEach(func(k, _ []byte) error {
		deadline, id, ok := parseExpiryKey(k)
		if m := s.sessions[id]; !ok || m == nil || m.filed != deadline {
			s.say("%s: stale entry in the expiry index", id.Short())
		}
		return nil
	})
	tab.sessions.ForEachBucket(s.component)
	return s.problems
}

// scan is one scan of all records.
type scan struct {
	tables
	sessions map[ID]*storedMeta
	problems []string
}

func (s *scan) say(format string, args ...any) {
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}

// global looks at a record of the global bucket.
func (s *scan) global(k, v []byte) error {
	if len(k) != 33 {
		s.say("global bucket has a key of %d bytes", len(k))
		return nil
	}
	id := ID(k)
	if !isMetaKey(k) {
		if err := soundValues("", id, v); err != nil || s.sessions[id] == nil {
			s.say("%s: data without session, or %v", id.Short(), err)
		}
		return nil
	}
	m, err := parseMeta(id, v)
	if err != nil {
		s.say("%s: %v", id.Short(), err)
		return nil
	}
	s.sessions[id] = m
	return nil
}

// session looks for what must be there of a session.
func (s *scan) session(id ID, m *storedMeta) {
	if m.filed > nanos(m.ExpiresAt()) {
		s.say("%s: filed after its deadline", id.Short())
	}
	if s.expiry.Get(expiryKey(m.filed, id)) == nil {
		s.say("%s: not in the expiry index", id.Short())
	}
	if m.User != "" {
		if s.tables.users.Get(userKey(m.User, id)) == nil {
			s.say("%s: not in the user index", id.Short())
		}
	}
	for _, name := range m.names {
		if b := s.tables.component(name); b == nil || b.Get(id[:]) == nil {
			s.say("%s: component %q is missing", id.Short(), name)
		}
	}
}

// component looks at the records of a component.
func (s *scan) component(name []byte) error {
	if bytes.Equal(name, globalBucket) {
		return nil
	}
	return s.tables.sessions.Bucket(name).ForEach(func(k, v []byte) error {
		if m := s.sessions[ID(k)]; m == nil || !slices.Contains(m.names, string(name)) {
			s.say("%s: record of component %q without its session", ID(k).Short(), name)
		}
		if err := soundValues(string(name), ID(k), v); err != nil {
			s.say("%s: component %q: %v", ID(k).Short(), name, err)
		}
		return nil
	})
}

// soundValues says what is wrong with a record of values, as far as can be told without its key.
func soundValues(component string, id ID, sealed []byte) error {
	_, err := parseValues(nil, component, id, sealed)
	if errors.Is(err, ErrEncrypted) {
		return nil
	}
	return err
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
