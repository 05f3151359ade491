package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
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
		p.watch(n)
	}
	if r, ok := As[refuser](store); ok {
		r.onRefuse(p.endCovered)
	}
	p.store = store
	return store, nil
}

// watch has the live sessions end with those of the store, for as long as both live.
func (p *ProxyStore) watch(n Notifier) {
	switch n := n.(type) {
	case *BoltStore:
		n.watch(p.end)
	case *MemoryStore:
		n.watch(p.end)
	default:
		n.OnDestroy(p.end)
	}
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
func (p *ProxyStore) Save(ctx context.Context, s *Session) error { return s.saveIn(ctx, p) }

// Destroy ends the session under id, for all its holders too. A save under way comes first.
func (p *ProxyStore) Destroy(ctx context.Context, id ID) error {
	store, err := p.Store()
	if err != nil {
		return err
	}
	if l := p.find(id); l != nil {
		defer p.leave(l)
		if err := l.lock(ctx); err != nil {
			return err
		}
		defer l.unlock()
	}
	return destroyIn(ctx, store, id, func() { p.end(id, Destroyed) })
}

// Close closes the store, if it was opened.
func (p *ProxyStore) Close() error {
	store := p.shut()
	if store == nil {
		return nil
	}
	return store.Close() // with no lock held: the work it waits for may ask for the store
}

// shut has Store return ErrClosed, and returns the store if it was opened.
func (p *ProxyStore) shut() Store {
	p.openMu.Lock()
	defer p.openMu.Unlock()
	p.closed = true
	return p.store
}
