package session

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session/internal/record"
)

// Session is a handle on a session; its own Get, Set, Remove, RemoveAll and Keys are those of
// the global component. All handles of a session that come from one ProxyStore, as those of
// requests do, share one live state: they see each other's unsaved changes at once, and each
// saves them. It is safe for concurrent use.
//
// When the session has ended (destroyed, renewed by another handle, cleared, revoked, expired),
// a handle still reads what it had; Set and Save give ErrNotFound, and Done is closed.
type Session struct {
	component
	store   Store        // where it is saved: the ProxyStore it came from, or its store
	maxSize atomic.Int64 // of a component, in encoded bytes; 0 until limit asked
	state   atomic.Pointer[live]
	bound   binding // the request it belongs to; nil outside of one

	mu       sync.Mutex
	released bool
	staged   *string // the user set by SetUser, until the session is renewed
}

// binding is what a handle asks of the request it belongs to, and tells it. It is called with
// the state locked, so it must not use the session.
type binding interface {
	canWrite() error          // ErrNoSession where nothing can be set
	canCreate(*Meta) error    // whether a session new to the client may be stored; adds its fingerprint
	canMove() error           // ErrHeadersSent when no new token can be sent any more
	canRenew() error          // errors.ErrUnsupported when the app has to hand out new tokens
	freshMeta() Meta          // of a session that begins in this request
	fresh() bool              // the session's token was made in this request: nobody can have planted it
	keepNew() (token string)  // the new session is to be stored and sent even when empty
	moved(token string)       // the session goes on under another token, to be sent at once
	begun(token string)       // a new session, its token to be sent once it is stored
	ended()                   // the client's token opens nothing any more
	discarded(session string) // the last holder left changes that were not saved
}

// NewSession returns a session that store does not have yet: [Session.Changes] says so until it
// is saved. It is meant for authors of stores.
func NewSession(store Store, id ID, meta Meta) *Session {
	return newHandle(store, newLive(id, meta), nil)
}

// LoadSession returns a session as store has it. components has the encoded values of those
// components that were read, by name and key; nil for a component stands for one that exists
// but was not read. It is meant for authors of stores.
func LoadSession(store Store, id ID, meta Meta, components map[string]map[string][]byte) *Session {
	var loaded []loadedComponent
	var names []string
	for name, values := range components {
		if name != "" {
			names = append(names, name)
		}
		if values != nil {
			loaded = append(loaded, loadedComponent{name, record.MapOf(values)})
		}
	}
	return loadSession(store, id, meta, names, loaded...)
}

// loadSession is LoadSession for values that are encoded already. names has all components
// but the global one.
func loadSession(store Store, id ID, meta Meta, names []string, loaded ...loadedComponent) *Session {
	l := newLive(id, meta)
	l.fill(meta, names, loaded)
	return newHandle(store, l, nil)
}

func newHandle(store Store, l *live, b binding) *Session {
	s := &Session{store: store, bound: b}
	s.component = component{s: s}
	s.state.Store(l)
	return s
}

// limit returns how many encoded bytes a component may have. A handle that never sets anything
// does not ask its store, which may not even be open.
func (s *Session) limit() int {
	if n := s.maxSize.Load(); n != 0 {
		return int(n)
	}
	n := DefaultMaxComponentSize
	if sized, ok := As[interface{ MaxComponentSize() int }](s.store); ok {
		n = sized.MaxComponentSize()
	}
	s.maxSize.Store(int64(n))
	return n
}

// locked calls f with the live state locked.
func (s *Session) locked(f func(l *live)) {
	l := s.state.Load()
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

// ID returns the session's ID. It changes when the session is renewed or regenerated.
func (s *Session) ID() ID { return s.state.Load().id }

// IsNew says whether the session is not stored yet.
func (s *Session) IsNew() (isNew bool) {
	s.locked(func(l *live) { isNew = l.isNew })
	return isNew
}

// IsDirty says whether the session has changes that are not stored.
func (s *Session) IsDirty() (dirty bool) {
	s.locked(func(l *live) { dirty = l.dirtyLocked() })
	return dirty
}

// Components returns the names of the components that hold anything, sorted, without the
// global one.
func (s *Session) Components() (names []string) {
	s.locked(func(l *live) { names = l.namesLocked() })
	return names
}

// Done returns a channel that is closed when the session has ended, from wherever. A handle that
// Renew or Regenerate moved to another session gets that one's channel at the next call.
func (s *Session) Done() (done <-chan struct{}) {
	s.locked(func(l *live) {
		if l.done == nil {
			l.done = make(chan struct{})
			if l.reason != 0 {
				close(l.done)
			}
		}
		done = l.done
	})
	return done
}

// Component returns the named component, reading it from the store when this session's state
// has not got it yet. "" is the global component. A component exists while it has keys. The
// error is ErrInvalidName, or what the store said; ErrNotFound when the session has ended.
func (s *Session) Component(ctx context.Context, name string) (*Component, error) {
	if err := checkName("component name", name); err != nil {
		return nil, err
	}
	if !s.has(name) {
		if err := s.load(ctx, name); err != nil {
			return nil, err
		}
	}
	return &Component{component{s: s, name: name}}, nil
}

// has says whether a component need not be read from the store.
func (s *Session) has(name string) (has bool) {
	s.locked(func(l *live) {
		_, loaded := l.named[name]
		switch {
		case name == "" || loaded || l.isNew:
			has = true
		case l.attached: // all writes come through this state: it knows all names
			has = !slices.Contains(l.stored, name)
		}
	})
	return has
}

// Changes returns what the session has to store, a snapshot. It is meant for authors of stores,
// who pass it to Saved when it is stored.
func (s *Session) Changes() (ch Changes) {
	s.locked(func(l *live) { ch = l.changesLocked() })
	return ch
}

// Saved makes clean exactly what is in ch, but for keys that were set again since.
func (s *Session) Saved(ch Changes) {
	s.locked(func(l *live) {
		if l.id == ch.ID {
			l.savedLocked(ch)
		}
	})
}

// lockLive returns the handle's state, locked for a write. While the session is renewed the
// write waits: it belongs before or after.
func (s *Session) lockLive() (*live, error) {
	for {
		l := s.state.Load()
		l.mu.Lock()
		moving, err := s.writableLocked(l)
		if moving == nil && err == nil {
			return l, nil
		}
		l.mu.Unlock()
		switch {
		case moving != nil:
			<-moving
		case s.state.Load() == l:
			return nil, err
		}
	}
}

// writableLocked says why the handle cannot write to the state, or what it has to wait for.
func (s *Session) writableLocked(l *live) (moving <-chan struct{}, err error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	if s.bound != nil {
		if err := s.bound.canWrite(); err != nil {
			return nil, err
		}
	}
	if l.reason == 0 && l.attached && l.meta.Expired(time.Now()) {
		l.endLocked(Expired)
	}
	if l.moving != nil && (l.reason == 0 || l.mover == s) {
		return l.moving, nil
	}
	if l.reason != 0 {
		return nil, ErrNotFound
	}
	return nil, nil
}

// usable returns ErrReleased once the handle is released. A write asks with the state locked, so
// that it comes before the release, which then sees it, or fails.
func (s *Session) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return ErrReleased
	}
	return nil
}
