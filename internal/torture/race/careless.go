//go:build linux

package race

import (
	"context"
	"maps"
	"runtime"
	"sync"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/naive"
)

// careless is a store that takes out a session, changes it and puts it back whole: what others
// saved or ended in between is undone. Negative controls run on it.
type careless struct {
	mu       sync.Mutex
	sessions map[session.ID]naive.Record
}

func newCareless() *careless { return &careless{sessions: map[session.ID]naive.Record{}} }

// Create implements session.Store.
func (c *careless) Create(_ context.Context, id session.ID) (*session.Session, error) {
	now := time.Now()
	meta := session.Meta{Created: now, LastAccess: now, End: now.Add(session.DefaultLifetime), MaxAge: session.DefaultMaxAge}
	return session.NewSession(c, id, meta), nil
}

// Get implements session.Store.
func (c *careless) Get(_ context.Context, id session.ID, _ ...string) (*session.Session, error) {
	r, ok := c.take(id)
	if !ok {
		return nil, session.ErrNotFound
	}
	return session.LoadSession(c, id, r.Meta, r.Components), nil
}

// Save implements session.Store.
func (c *careless) Save(_ context.Context, s *session.Session) error {
	ch := s.Changes()
	r, ok := c.take(ch.ID)
	if !ok && !ch.New {
		return session.ErrNotFound
	}
	if ch.Meta != nil {
		r.Meta = *ch.Meta
	}
	r.Merge(ch.Components)
	for range 20 {
		runtime.Gosched() // a disk would take longer
	}
	c.put(ch.ID, r)
	s.Saved(ch)
	return nil
}

// Destroy implements session.Store.
func (c *careless) Destroy(_ context.Context, id session.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, id)
	return nil
}

// Close implements session.Store.
func (c *careless) Close() error { return nil }

func (c *careless) take(id session.ID) (naive.Record, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.sessions[id]
	copied := naive.Record{Meta: r.Meta, Components: map[string]map[string][]byte{}}
	for name, values := range r.Components {
		copied.Components[name] = maps.Clone(values)
	}
	return copied, ok
}

func (c *careless) put(id session.ID, r naive.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions[id] = r
}
