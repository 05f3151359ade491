package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// ProxyStore stands before a store and holds its live sessions: all handles that Acquire gives
// for an ID share one state, so that two requests of a visitor never lose each other's writes.
// It opens its store at the first use. It is RAIN.js's ProxyStore: its session cache is Acquire,
// its set is Save.
//
// A store has one ProxyStore; every Manager over it uses that. What is done to the store beside
// it reaches live sessions if the store is a [Notifier], but for a direct Store.Save: handles do
// not see its changes before Reload.
type ProxyStore struct {
	open   func() (Store, error)
	cookie http.Cookie
	log    *slog.Logger

	openMu sync.Mutex // held while the store is opened
	store  Store
	closed bool

	mu   sync.Mutex // guards the map and its entries' holders and dead
	live map[ID]*live

	retired retiredIDs
}

// ProxyOptions are the options of NewProxyStore. nil means the defaults.
type ProxyOptions struct {
	// Cookie is the template for the cookie of a Manager over this store that has no Transport
	// of its own; see [Cookie]. The zero value is a cookie named sid.
	Cookie http.Cookie

	// Logger gets a warning when changes are lost because nobody saved them. The default is
	// slog.Default.
	Logger *slog.Logger
}

// NewProxyStore returns a ProxyStore over the store that open returns, a MemoryStore when open
// is nil. open is called at the first use, by one caller at a time, and again at the next use
// when it failed.
func NewProxyStore(open func() (Store, error), opts *ProxyOptions) *ProxyStore {
	p := &ProxyStore{open: open, log: slog.Default(), live: make(map[ID]*live)}
	if open == nil {
		p.open = func() (Store, error) { return NewMemoryStore(nil), nil }
	}
	if opts != nil {
		p.cookie = opts.Cookie
		if opts.Logger != nil {
			p.log = opts.Logger
		}
	}
	return p
}

// Store returns the store behind, opening it if need be.
func (p *ProxyStore) Store() (Store, error) {
	p.openMu.Lock()
	defer p.openMu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if p.store != nil {
		return p.store, nil
	}
	store, err := p.open()
	if err != nil {
		return nil, err
	}
	if store == nil {
		return nil, errors.New("session: the open function of NewProxyStore returned no store")
	}
	if n, ok := As[Notifier](store); ok {
		n.OnDestroy(p.end) // for as long as both live
	}
	p.store = store
	return store, nil
}

// Unwrap returns the store behind, for [As]; nil if it cannot be opened.
func (p *ProxyStore) Unwrap() Store {
	store, err := p.Store()
	if err != nil {
		return nil
	}
	return store
}

// Create is Store.Create.
func (p *ProxyStore) Create(ctx context.Context, id ID) (*Session, error) {
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	s, err := store.Create(ctx, id)
	if err != nil {
		return nil, err
	}
	s.store = p
	return s, nil
}

// Get is Store.Get: a detached copy, which sees nothing of unsaved changes.
func (p *ProxyStore) Get(ctx context.Context, id ID, components ...string) (*Session, error) {
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	s, err := store.Get(ctx, id, components...)
	if err != nil {
		return nil, err
	}
	s.store = p
	return s, nil
}

// Save is [Session.Save].
func (p *ProxyStore) Save(ctx context.Context, s *Session) error { return s.saveTo(ctx, p) }

// Destroy ends the session under id, for all its holders too. A save under way comes first.
func (p *ProxyStore) Destroy(ctx context.Context, id ID) error {
	store, err := p.Store()
	if err != nil {
		return err
	}
	if l := p.hold(id); l != nil {
		defer p.leave(l)
		if err := l.lock(ctx); err != nil {
			return err
		}
		defer l.unlock()
	}
	if err = store.Destroy(ctx, id); !untried(err) {
		p.end(id, Destroyed) // fail closed: whatever the store said, nobody here goes on with it
	}
	return err
}

// Close closes the store, if it was opened.
func (p *ProxyStore) Close() error {
	p.openMu.Lock()
	defer p.openMu.Unlock()
	p.closed = true
	if p.store == nil {
		return nil
	}
	return p.store.Close()
}

// Acquire returns a handle on the live session under id, for a request or a background job.
// The caller calls release when done with it, and saves before: changes that nobody saved are
// discarded, and logged, when the last holder releases. It returns ErrNotFound when there is no
// such session or it has ended.
func (p *ProxyStore) Acquire(ctx context.Context, id ID) (s *Session, release func(), err error) {
	s, err = p.acquire(ctx, id, nil)
	if err != nil {
		return nil, nil, err
	}
	return s, s.release, nil
}

// acquire is Acquire for the handle of a request.
func (p *ProxyStore) acquire(ctx context.Context, id ID, b binding) (*Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	l, mine := p.enter(id)
	if mine {
		p.load(ctx, store, l)
	} else if err := l.wait(ctx); err != nil {
		p.leave(l)
		return nil, err
	}
	if err := l.check(time.Now()); err != nil {
		p.leave(l)
		return nil, err
	}
	return newHandle(p, l, b), nil
}

// begin returns a handle on a new session of a request. Nobody else knows its ID before it is
// saved, and is then entered into the map.
func (p *ProxyStore) begin(id ID, meta Meta, b binding) *Session {
	l := newLive(id, meta)
	l.attached, l.holders = true, 1
	return newHandle(p, l, b)
}

// enter returns the entry of id, held, and whether the caller has to load it. The placeholder is
// in the map before the store is read, so that a second caller waits for the same state and an
// end that comes meanwhile finds it.
func (p *ProxyStore) enter(id ID) (l *live, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.live[id]; l != nil && !l.dead {
		l.holders++
		return l, false
	}
	l = newLive(id, Meta{})
	l.attached, l.holders, l.ready = true, 1, make(chan struct{})
	p.live[id] = l
	return l, true
}

// enterNew puts a state into the map, held by one more.
func (p *ProxyStore) enterNew(l *live) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.holders++
	p.live[l.id] = l
}

// errLoad is what those who wait see if the store panics while it loads.
var errLoad = errors.New("session: loading the session did not end")

// load reads the session into its placeholder. The client that happens to come first may go
// away: that is no failure of the others' request.
func (p *ProxyStore) load(ctx context.Context, store Store, l *live) {
	l.loadErr = errLoad
	defer func() {
		if l.loadErr != nil {
			p.mu.Lock()
			l.dead = true
			p.mu.Unlock()
		}
		close(l.ready)
	}()
	s, err := store.Get(context.WithoutCancel(ctx), l.id)
	if err != nil {
		l.loadErr = err
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.adopt(s.state.Load())
	l.loadErr = nil
}

// wait waits until the first load is over.
func (l *live) wait(ctx context.Context) error {
	if l.ready == nil {
		return nil
	}
	select {
	case <-l.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// check says whether the state can be handed out at now.
func (l *live) check(now time.Time) error {
	if l.loadErr != nil {
		return l.loadErr
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason == 0 && l.meta.Expired(now) {
		l.endLocked(Expired)
	}
	if l.reason != 0 {
		return ErrNotFound
	}
	return nil
}

// hold returns the entry of id, held, or nil.
func (p *ProxyStore) hold(id ID) *live {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.live[id]
	if l != nil {
		l.holders++
	}
	return l
}

// pin holds a state while it is saved, and puts a new one into the map before its first save:
// from then on others may ask for its ID.
func (p *ProxyStore) pin(l *live) {
	if !l.attached {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l.holders++
	if _, ok := p.live[l.id]; !ok && !l.dead {
		p.live[l.id] = l
	}
}

func (p *ProxyStore) unpin(l *live) {
	if l.attached {
		p.leave(l)
	}
}

// leave gives up one hold of an entry and tells whether it was the last. The last takes the
// entry away: no holder is left, and neither a save nor a load, as both hold it.
func (p *ProxyStore) leave(l *live) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.holders--
	if l.holders > 0 {
		return false
	}
	if p.live[l.id] == l {
		delete(p.live, l.id)
	}
	return true
}

// end ends the live session under id, a placeholder too.
func (p *ProxyStore) end(id ID, reason Reason) {
	p.mu.Lock()
	l := p.live[id]
	if l != nil {
		l.dead = true
	}
	p.mu.Unlock()
	if l != nil {
		l.end(reason)
	}
}

// lost says that changes were not saved.
func (p *ProxyStore) lost(s *Session, id ID) {
	if s.bound != nil {
		s.bound.discarded(id.Short())
		return
	}
	p.log.Warn("session: changes discarded, nobody saved them", "session", id.Short())
}
