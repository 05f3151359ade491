package sessiontest_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/sessiontest"
)

// mapStore is a complete store: the four verbs, Close, and session.Lister.
type mapStore struct {
	mu     sync.Mutex
	rows   map[session.ID]row
	closed bool
}

// row is what the store keeps under an ID. Its maps are replaced, never changed.
type row struct {
	meta       session.Meta
	components map[string]map[string][]byte // encoded values by component and key
}

func newMapStore() *mapStore { return &mapStore{rows: make(map[session.ID]row)} }

// do runs f as one atomic step, unless ctx is done or the store closed (rules 6 and 7).
func (m *mapStore) do(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return session.ErrClosed
	}
	return f()
}

// findLocked returns the row under id unless it has expired (rule 3).
func (m *mapStore) findLocked(id session.ID) (row, bool) {
	r, ok := m.rows[id]
	return r, ok && !r.meta.Expired(time.Now())
}

// Create implements session.Store. Nothing is stored yet.
func (m *mapStore) Create(ctx context.Context, id session.ID) (*session.Session, error) {
	err := m.do(ctx, func() error {
		if _, ok := m.findLocked(id); ok {
			return session.ErrExists
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return session.NewSession(m, id, session.Meta{
		Created:    now,
		LastAccess: now,
		MaxAge:     session.DefaultMaxAge,
		End:        now.Add(session.DefaultLifetime),
		Salt:       []byte(rand.Text())[:16],
	}), nil
}

// Get implements session.Store. LoadSession copies the values (rule 4); it gets nil for the
// components that were not asked for, and reads them with another Get when they are.
func (m *mapStore) Get(ctx context.Context, id session.ID, components ...string) (s *session.Session, err error) {
	err = m.do(ctx, func() error {
		r, ok := m.findLocked(id)
		if !ok {
			return session.ErrNotFound
		}
		loaded := make(map[string]map[string][]byte)
		for name, values := range r.components {
			if name != "" && !slices.Contains(components, name) {
				values = nil
			}
			loaded[name] = values
		}
		s = session.LoadSession(m, id, r.meta, loaded)
		return nil
	})
	return s, err
}

// Save implements session.Store. Snapshot, check, merge and Saved are one step.
func (m *mapStore) Save(ctx context.Context, s *session.Session) error {
	return m.do(ctx, func() error {
		ch := s.Changes()
		next, err := m.mergedLocked(ch)
		if err != nil {
			return err
		}
		m.rows[ch.ID] = next
		s.Saved(ch)
		return nil
	})
}

// mergedLocked returns what is to be stored: rule 2 first, then the changes over what is there
// (rule 1).
func (m *mapStore) mergedLocked(ch session.Changes) (row, error) {
	old, ok := m.findLocked(ch.ID)
	switch {
	case ch.New && ok:
		return row{}, session.ErrExists
	case !ch.New && !ok:
		return row{}, session.ErrNotFound
	case ch.New:
		old = row{meta: *ch.Meta}
	}
	next := row{meta: mergedMeta(old.meta, ch.Meta), components: make(map[string]map[string][]byte)}
	for name, values := range old.components {
		next.components[name] = values
	}
	for name, c := range ch.Components {
		if values := mergedValues(next.components[name], c); len(values) > 0 {
			next.components[name] = values
		} else {
			delete(next.components, name) // a component exists while it has keys
		}
	}
	return next, nil
}

// mergedMeta returns stored with the changes that there may be: the last access only moves
// forward, created, end, salt and fingerprint stay (rule 3).
func mergedMeta(stored session.Meta, change *session.Meta) session.Meta {
	if change == nil {
		return stored
	}
	stored.MaxAge, stored.User = change.MaxAge, change.User
	if change.LastAccess.After(stored.LastAccess) {
		stored.LastAccess = change.LastAccess
	}
	return stored
}

// mergedValues returns a copy of stored with the changes.
func mergedValues(stored map[string][]byte, c session.ComponentChanges) map[string][]byte {
	next := make(map[string][]byte)
	if !c.Clear {
		for key, value := range stored {
			next[key] = value
		}
	}
	for _, key := range c.Removed {
		delete(next, key)
	}
	for key, value := range c.Set {
		next[key] = value
	}
	return next
}

// Destroy implements session.Store.
func (m *mapStore) Destroy(ctx context.Context, id session.ID) error {
	return m.do(ctx, func() error {
		delete(m.rows, id)
		return nil
	})
}

// Close implements session.Store. Work under way holds the mutex: Close waits for it.
func (m *mapStore) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.rows = true, nil
	return nil
}

// All implements session.Lister. The loop's body runs without the lock: it may use the store.
func (m *mapStore) All(ctx context.Context) iter.Seq2[session.Info, error] {
	return func(yield func(session.Info, error) bool) {
		infos, err := m.list(ctx)
		if err != nil {
			yield(session.Info{}, err)
			return
		}
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// list returns what there is to tell of the unexpired sessions.
func (m *mapStore) list(ctx context.Context) (infos []session.Info, err error) {
	err = m.do(ctx, func() error {
		for id := range m.rows {
			r, ok := m.findLocked(id)
			if !ok {
				continue
			}
			info := session.Info{ID: id, Meta: r.meta, Components: make(map[string]int)}
			for name, values := range r.components {
				info.Components[name] = len(values)
			}
			infos = append(infos, info)
		}
		return nil
	})
	return infos, err
}

// Length implements session.Lister.
func (m *mapStore) Length(ctx context.Context) (int, error) {
	infos, err := m.list(ctx)
	return len(infos), err
}

// A store in a map. What it does for each rule is what a store in a database does in one
// transaction.
func ExampleTestStore() {
	// In the store's test file, this tests all there is to test:
	_ = func(t *testing.T) {
		sessiontest.TestStore(t, func(*testing.T) session.Store { return newMapStore() })
	}

	// And this is what the store is for:
	ctx := context.Background()
	store := newMapStore()
	defer store.Close()
	s, err := store.Create(ctx, session.TokenID("a token"))
	if err != nil {
		fmt.Println(err)
		return
	}
	s.Set("greeting", "hello")
	if err := s.Save(ctx); err != nil {
		fmt.Println(err)
		return
	}
	found, err := store.Get(ctx, s.ID())
	if err != nil {
		fmt.Println(err)
		return
	}
	greeting, _ := session.Key[string]("greeting").Get(found)
	fmt.Println(greeting)
	// Output: hello
}
