//go:build linux

package hostile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/naive"
)

// stack is what gives an app's requests their sessions: a Manager, or what is to be seen failing.
type stack interface {
	wrap(http.Handler) http.Handler
	renew(*http.Request) error
	generate(*http.Request) (string, error)
}

// managed is the stack that is on trial.
type managed struct{ m *session.Manager }

func (s managed) wrap(h http.Handler) http.Handler { return s.m.Handler(h) }

// renew gives the session a new token, in the way that the transport wants.
func (s managed) renew(r *http.Request) error {
	err := session.From(r).Renew(r.Context())
	if errors.Is(err, errors.ErrUnsupported) {
		_, err = s.m.Generate(r)
	}
	return err
}

func (s managed) generate(r *http.Request) (string, error) { return s.m.Generate(r) }

// transports are those that come with the package.
var transports = map[string]func() session.Transport{
	"cookie": func() session.Transport { return session.Cookie(http.Cookie{}) },
	"header": func() session.Transport { return session.Header("") },
	"bearer": func() session.Transport { return session.Bearer() },
}

// transportNames are their names, in the order of trial.
var transportNames = []string{"cookie", "header", "bearer"}

// setup says what an app is made of.
type setup struct {
	dir       string // of the file
	transport string
	broken    bool // serve what is to be seen failing
	tls       bool // HTTP/2 over TLS instead of HTTP/1.1
	bolt      session.BoltOptions
	options   session.Options
	around    func(session.Store) session.Store // put around the store; nil: nothing
}

// opened is an app's store and what stands before it.
type opened struct {
	stack
	path  string             // of the file
	store *session.BoltStore // nil in a negative control
	close func() error
}

func (c setup) open() (*opened, error) {
	path := filepath.Join(c.dir, "sessions.db")
	if c.broken {
		n, err := naive.Open(path)
		if err != nil {
			return nil, err
		}
		n.Relax() // what it breaks is seen without
		return &opened{&adopting{store: n, transport: c.transport}, path, nil, n.Close}, nil
	}
	store, err := session.Open(path, &c.bolt)
	if err != nil {
		return nil, err
	}
	if c.options.Transport == nil {
		c.options.Transport = transports[c.transport]()
	}
	var served session.Store = store
	if c.around != nil {
		served = c.around(store)
	}
	m, err := session.New(served, &c.options)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &opened{managed{m}, path, store, store.Close}, nil
}

// records returns how many sessions are stored.
func (o *opened) records() int {
	if o.store != nil {
		return o.store.Stats().Sessions
	}
	return o.stack.(*adopting).store.Records()
}

// image is what cannot change without a commit.
type image struct {
	sum  [sha256.Size]byte
	info string
}

// image returns the state of the file.
func (o *opened) image() (image, error) {
	data, err := os.ReadFile(o.path)
	if err != nil {
		return image{}, err
	}
	info, err := os.Stat(o.path)
	if err != nil {
		return image{}, err
	}
	return image{sha256.Sum256(data), fmt.Sprint(info.Size(), info.ModTime())}, nil
}
