package session

import (
	"context"
	"iter"
	"maps"
	"slices"
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
	var ended []ID
	err := m.do(ctx, func(time.Time) error {
		if _, ok := m.sessions[id]; ok {
			delete(m.sessions, id)
			ended = append(ended, id)
		}
		return nil
	})
	m.observers.notify(Destroyed, ended...)
	return err
}

// Renew is [Renewer].Renew.
func (m *MemoryStore) Renew(ctx context.Context, s *Session, to ID) error {
	ch := s.Changes()
	err := m.do(ctx, func(now time.Time) error {
		if m.findLocked(to, now) != nil {
			return ErrExists
		}
		next, err := m.mergedLocked(ch, now)
		if err != nil {
			return err
		}
		m.sessions[to] = next
		delete(m.sessions, ch.ID)
		return nil
	})
	if err != nil {
		return err
	}
	s.Saved(ch)
	m.observers.notify(Renewed, ch.ID)
	s.end(Renewed)
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

// All is [Lister].All.
func (m *MemoryStore) All(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		infos, err := m.list(ctx, func(Meta) bool { return true })
		if err != nil {
			yield(Info{}, err)
			return
		}
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				yield(Info{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

// list returns the unexpired sessions that match, by ID.
func (m *MemoryStore) list(ctx context.Context, match func(Meta) bool) (infos []Info, err error) {
	err = m.do(ctx, func(now time.Time) error {
		for id, s := range m.sessions {
			if s.meta.Expired(now) || !match(s.meta) {
				continue
			}
			info := Info{ID: id, Meta: s.meta, Components: make(map[string]int, len(s.components))}
			for name, values := range s.components {
				info.Components[name] = values.Len()
			}
			infos = append(infos, info)
		}
		return nil
	})
	slices.SortFunc(infos, func(a, b Info) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return infos, err
}

// Length is [Lister].Length.
func (m *MemoryStore) Length(ctx context.Context) (n int, err error) {
	err = m.do(ctx, func(now time.Time) error {
		for _, s := range m.sessions {
			if !s.meta.Expired(now) {
				n++
			}
		}
		return nil
	})
	return n, err
}

// Clear is [Clearer].Clear.
func (m *MemoryStore) Clear(ctx context.Context) (int, error) {
	return m.endWhere(ctx, Cleared, func(ID, *memorySession) bool { return true })
}

// Reap is [Reapable].Reap.
func (m *MemoryStore) Reap(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	expired, err := m.reapNow(time.Now())
	m.observers.notify(Expired, expired...)
	return len(expired), err
}

func (m *MemoryStore) reapNow(now time.Time) ([]ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	return m.reapLocked(now), nil
}

// ByUser is [UserIndex].ByUser. It looks at every session.
func (m *MemoryStore) ByUser(ctx context.Context, user string) ([]Info, error) {
	return m.list(ctx, func(meta Meta) bool { return user != "" && meta.User == user })
}

// DestroyUser is [UserIndex].DestroyUser. It looks at every session.
func (m *MemoryStore) DestroyUser(ctx context.Context, user string, except ...ID) (int, error) {
	return m.endWhere(ctx, Revoked, func(id ID, s *memorySession) bool {
		return user != "" && s.meta.User == user && !slices.Contains(except, id)
	})
}

// endWhere ends the sessions for which match says so, and returns how many were not expired
// already.
func (m *MemoryStore) endWhere(ctx context.Context, reason Reason, match func(ID, *memorySession) bool) (n int, err error) {
	var ended []ID
	err = m.do(ctx, func(now time.Time) error {
		for id, s := range m.sessions {
			if !match(id, s) {
				continue
			}
			if !s.meta.Expired(now) {
				n++
			}
			delete(m.sessions, id)
			ended = append(ended, id)
		}
		return nil
	})
	m.observers.notify(reason, ended...)
	return n, err
}

// OnDestroy is [Notifier].OnDestroy.
func (m *MemoryStore) OnDestroy(f func(ID, Reason)) (cancel func()) { return m.observers.add(f) }

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
	m.observers.notify(Expired, expired...)
	return err
}

func (m *MemoryStore) locked(now time.Time, f func(now time.Time) error) (expired []ID, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, ErrClosed
	}
	if m.reapEvery > 0 && now.Sub(m.reaped) >= m.reapEvery {
		expired = m.reapLocked(now)
	}
	return expired, f(now)
}

func (m *MemoryStore) reapLocked(now time.Time) (expired []ID) {
	m.reaped = now
	for id, s := range m.sessions {
		if s.meta.Expired(now) {
			delete(m.sessions, id)
			expired = append(expired, id)
		}
	}
	return expired
}

// findLocked returns the unexpired session under id, or nil.
func (m *MemoryStore) findLocked(id ID, now time.Time) *memorySession {
	s := m.sessions[id]
	if s == nil || s.meta.Expired(now) {
		return nil
	}
	return s
}
