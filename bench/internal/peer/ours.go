package peer

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
)

// ours is this library.
type ours struct {
	http.Handler
	opts  Options
	bolt  session.BoltOptions
	app   *App
	store *session.BoltStore

	savers sync.Map // Saver's sessions by number
	saved  []string // cookies of these
}

// The ways to open a store.
const (
	oursPlain = iota
	oursRelaxed
	oursEncrypted
)

func openOurs(o Options, how int) (Peer, error) {
	p := &ours{opts: o, app: newApp(o), bolt: session.BoltOptions{TouchInterval: o.TouchEvery}}
	switch how {
	case oursRelaxed:
		p.bolt.SyncEvery = time.Second
	case oursEncrypted:
		p.bolt.Keys = [][]byte{bytes.Repeat([]byte{7}, 32)}
	}
	return p, p.open(p.bolt, nil)
}

// open opens the store and puts a Manager and the app before it.
func (p *ours) open(bolt session.BoltOptions, web *session.Options) error {
	store, err := session.Open(filepath.Join(p.opts.Dir, "sessions.db"), &bolt)
	if err != nil {
		return err
	}
	manager, err := session.New(store, web)
	if err != nil {
		store.Close()
		return err
	}
	p.store = store
	p.Handler = manager.Handler(p.app.mux(func(_ http.ResponseWriter, r *http.Request) (Session, error) {
		return ourSession{session.From(r), r.Context()}, nil
	}))
	return nil
}

// Fill makes the sessions by requests, so that they are bound to their clients as always, with
// SyncEvery, and opens the store again as it was.
func (p *ours) Fill(from, n int, life time.Duration) ([]string, error) {
	if err := p.store.Close(); err != nil {
		return nil, err
	}
	relaxed := p.bolt
	relaxed.SyncEvery = time.Second
	var web *session.Options
	if life != 0 {
		web = &session.Options{MaxAge: life}
	}
	if err := p.open(relaxed, web); err != nil {
		return nil, err
	}
	cookies, err := fillByRequests(p, from, n)
	if err != nil {
		return nil, err
	}
	p.saved = append(p.saved, cookies...)
	if err := p.store.Close(); err != nil {
		return nil, err
	}
	return cookies, p.open(p.bolt, nil)
}

// fillByRequests makes n sessions by requests to the app.
func fillByRequests(h http.Handler, from, n int) ([]string, error) {
	cookies, clients := make([]string, n), 8
	errs := make(chan error, clients)
	var next atomic.Int64
	for range clients {
		go func() {
			v := NewVisit(h)
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					errs <- nil
					return
				}
				var err error
				if cookies[i], err = v.Begin(from + i); err != nil {
					errs <- err
					return
				}
			}
		}()
	}
	var first error
	for range clients {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return cookies, first
}

func (p *ours) Size() int64          { return p.store.Stats().FileBytes }
func (p *ours) Close() error         { return p.store.Close() }
func (p *ours) Commits() uint64      { return p.store.Stats().Commits }
func (p *ours) Reap() (int, error)   { return p.store.Reap(context.Background()) }
func (p *ours) Length() (int, error) { return p.store.Length(context.Background()) }
func (p *ours) Clear() (int, error)  { return p.store.Clear(context.Background()) }

func (p *ours) All() (n int, err error) {
	for _, err := range p.store.All(context.Background()) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func (p *ours) ByUser(user string) (int, error) {
	infos, err := p.store.ByUser(context.Background(), user)
	return len(infos), err
}

func (p *ours) Touch(cookie string) error {
	return p.store.Touch(context.Background(), cookieID(cookie), time.Now())
}

// TouchOverhead does what Touch does beside touching.
func TouchOverhead(cookie string) (session.ID, time.Time) { return cookieID(cookie), time.Now() }

// cookieID returns the ID of the session whose client sends cookie.
func cookieID(cookie string) session.ID {
	return session.TokenID(cookie[len(session.DefaultCookieName)+1:])
}

// Forget drops what Saver needs.
func (p *ours) Forget() { p.saved = nil }

// Save counts in the n-th of the sessions that Fill made, through the store alone.
func (p *ours) Save(n int) error {
	ctx := context.Background()
	n %= len(p.saved)
	held, ok := p.savers.Load(n)
	if !ok {
		s, err := p.store.Get(ctx, cookieID(p.saved[n]))
		if err != nil {
			return err
		}
		held = s
		p.savers.Store(n, s)
	}
	s := held.(*session.Session)
	if _, err := session.Key[int](views).Update(s, addOne); err != nil {
		return err
	}
	return p.store.Save(ctx, s)
}

func addOne(n int) int { return n + 1 }

// ourSession is the session of a request.
type ourSession struct {
	*session.Session
	ctx context.Context
}

// part returns the values of a component.
func (s ourSession) part(name string) (session.Values, error) {
	if name == "" {
		return s.Session, nil
	}
	return s.Component(s.ctx, name)
}

func (s ourSession) Text(part, key string) string {
	values, err := s.part(part)
	if err != nil {
		return ""
	}
	text, _ := session.Key[string](key).Get(values)
	return text
}

func (s ourSession) SetText(part, key, value string) error {
	values, err := s.part(part)
	if err != nil {
		return err
	}
	return session.Key[string](key).Set(values, value)
}

func (s ourSession) Number(key string) int {
	n, _ := session.Key[int](key).Get(s.Session)
	return n
}

func (s ourSession) Add(key string) (int, error) {
	return session.Key[int](key).Update(s.Session, addOne)
}

func (s ourSession) SignIn(user string) error {
	if err := s.SetUser(user); err != nil {
		return err
	}
	return s.Renew(s.ctx)
}

func (s ourSession) SignOut() error {
	_, err := s.Destroy(s.ctx)
	return err
}

// Save does nothing: the Manager saves before the first byte leaves.
func (s ourSession) Save() error { return nil }
