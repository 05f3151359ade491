package session

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/boltsession/session/internal/record"
)

// MemoryStore is a store in memory, for tests and development: it keeps every rule of the
// persistent one, but its sessions end with the process. It has no goroutine: expired sessions
// are reaped now and then by its own calls.
type MemoryStore struct {
	reapEvery time.Duration
	observers observers
	proxied   func() *ProxyStore

	mu       sync.Mutex
	sessions map[ID]*memorySession
	reaped   time.Time
	closed   bool
}

// MemoryOptions are the options of NewMemoryStore. nil means the defaults.
type MemoryOptions struct {
	// ReapInterval is how often calls of the store reap, at most. 0 means 10 minutes (Connect's
	// default), a negative one never.
	ReapInterval time.Duration
}

// memorySession is what the store has under an ID. The maps' values are immutable.
type memorySession struct {
	meta       Meta
	components map[string]record.Map
}

// NewMemoryStore returns an empty store.
func NewMemoryStore(opts *MemoryOptions) *MemoryStore {
	m := &MemoryStore{
		reapEvery: 10 * time.Minute,
		sessions:  make(map[ID]*memorySession),
		reaped:    time.Now(),
	}
	if opts != nil && opts.ReapInterval != 0 {
		m.reapEvery = opts.ReapInterval
	}
	m.proxied = sync.OnceValue(func() *ProxyStore {
		return NewProxyStore(func() (Store, error) { return m, nil }, nil)
	})
	return m
}

// proxy returns the store's one ProxyStore.
func (m *MemoryStore) proxy() *ProxyStore { return m.proxied() }

// Create is [Store].Create.
func (m *MemoryStore) Create(ctx context.Context, id ID) (*Session, error) {
	err := m.do(ctx, func(now time.Time) error {
		if m.findLocked(id, now) != nil {
			return ErrExists
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return NewSession(m, id, newMeta(time.Now(), DefaultMaxAge, DefaultLifetime)), nil
}

// Get is [Store].Get.
func (m *MemoryStore) Get(ctx context.Context, id ID, components ...string) (s *Session, err error) {
	err = m.do(ctx, func(now time.Time) error {
		found := m.findLocked(id, now)
		if found == nil {
			return ErrNotFound
		}
		loaded := []loadedComponent{{"", found.components[""]}}
		for _, name := range components {
			loaded = append(loaded, loadedComponent{name, found.components[name]})
		}
		s = loadSession(m, id, found.meta, found.names(), loaded...)
		return nil
	})
	return s, err
}

// names returns the names of the components but for the global one.
func (s *memorySession) names() []string {
	var names []string
	for name := range s.components {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Save is [Store].Save.
func (m *MemoryStore) Save(ctx context.Context, s *Session) error { return s.saveTo(ctx, m) }

// usable says whether the store still works; see changeStore.
func (m *MemoryStore) usable(ctx context.Context) error {
	return m.do(ctx, func(time.Time) error { return nil })
}

// commit stores changes; see changeStore.
func (m *MemoryStore) commit(ctx context.Context, ch Changes) error {
	return m.do(ctx, func(now time.Time) error {
		next, err := m.mergedLocked(ch, now)
		if err != nil {
			return err
		}
		m.sessions[ch.ID] = next
		return nil
	})
}

// mergedLocked returns the session with changes applied, leaving what is stored as it is.
func (m *MemoryStore) mergedLocked(ch Changes, now time.Time) (*memorySession, error) {
	old := m.findLocked(ch.ID, now)
	switch {
	case ch.New && old != nil:
		return nil, ErrExists
	case !ch.New && old == nil, ch.New && ch.Meta == nil:
		return nil, ErrNotFound
	case old == nil:
		old = &memorySession{meta: *ch.Meta}
	}
	next := &memorySession{meta: mergeMeta(old.meta, ch.Meta), components: maps.Clone(old.components)}
	for name, c := range ch.Components {
		merged := next.components[name].Merge(c.Clear, c.Set, c.Removed)
		if err := checkSize(len(merged), DefaultMaxComponentSize); err != nil {
			return nil, err
		}
		if next.components == nil {
			next.components = make(map[string]record.Map, 1)
		}
		if next.components[name] = merged; merged.Len() == 0 {
			delete(next.components, name)
		}
	}
	return next, nil
}

// mergeMeta returns stored with what a save may change of it.
func mergeMeta(stored Meta, change *Meta) Meta {
	if change == nil {
		return stored
	}
	stored.MaxAge, stored.User = change.MaxAge, change.User
	if change.LastAccess.After(stored.LastAccess) {
		stored.LastAccess = change.LastAccess
	}
	return stored
}

// Destroy is [Store].Destroy.
func (m *MemoryStore) Destroy(ctx context.Context, id ID) error {
	var n *news
	err := m.do(ctx, func(time.Time) error {
		if _, ok := m.sessions[id]; ok {
			delete(m.sessions, id)
			n = m.observers.publish(ending{id, Destroyed})
		}
		return nil
	})
	m.observers.tell(n)
	return err
}

// Renew is [Renewer].Renew.
func (m *MemoryStore) Renew(ctx context.Context, s *Session, to ID) error {
	return s.renewTo(ctx, func(ch Changes) error {
		var n *news
		err := m.do(ctx, func(now time.Time) error {
			err := m.moveLocked(ch, to, now)
			if err == nil && !ch.New { // else there was nothing that could end
				n = m.observers.publish(ending{ch.ID, Renewed})
			}
			return err
		})
		m.observers.tell(n)
		return err
	})
}

func (m *MemoryStore) moveLocked(ch Changes, to ID, now time.Time) error {
	next, err := m.mergedLocked(ch, now)
	if err != nil {
		return err
	}
	if ch.ID == to || m.findLocked(to, now) != nil {
		return ErrExists
	}
	m.sessions[to] = next
	delete(m.sessions, ch.ID)
	return nil
}

// Touch is [Toucher].Touch.
func (m *MemoryStore) Touch(ctx context.Context, id ID, at time.Time) error {
	return m.do(ctx, func(now time.Time) error {
		if s := m.findLocked(id, now); s != nil && at.After(s.meta.LastAccess) {
			s.meta.LastAccess = at
		}
		return nil
	})
}

// OnDestroy is [Notifier].OnDestroy.
func (m *MemoryStore) OnDestroy(f func(ID, Reason)) (cancel func()) { return m.observers.add(f) }

// watch has a ProxyStore told of ends, before those that OnDestroy registers.
func (m *MemoryStore) watch(end func(ID, Reason)) { m.observers.addProxy(end) }

// Close is [Store].Close. The sessions are gone with it.
func (m *MemoryStore) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.sessions = true, nil
	return nil
}

// do runs f with the lock held, unless ctx is done or the store closed, and reaps when it is
// time to.
func (m *MemoryStore) do(ctx context.Context, f func(now time.Time) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := time.Now()
	expired, err := m.locked(now, f)
	if expired != nil {
		m.observers.tell(expired)
	}
	return err
}

func (m *MemoryStore) locked(now time.Time, f func(now time.Time) error) (expired *news, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	if m.reapEvery > 0 && now.Sub(m.reaped) >= m.reapEvery {
		_, expired = m.reapLocked(now)
	}
	return expired, f(now)
}

func (m *MemoryStore) reapLocked(now time.Time) (count int, n *news) {
	m.reaped = now
	var expired []ID
	for id, s := range m.sessions {
		if s.meta.Expired(now) {
			delete(m.sessions, id)
			expired = append(expired, id)
		}
	}
	return len(expired), m.observers.publish(reasoned(Expired, expired)...)
}

// findLocked returns the unexpired session under id, or nil.
func (m *MemoryStore) findLocked(id ID, now time.Time) *memorySession {
	s := m.sessions[id]
	if s == nil || s.meta.Expired(now) {
		return nil
	}
	return s
}
