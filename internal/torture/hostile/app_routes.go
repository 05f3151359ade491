//go:build linux

package hostile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/boltsession/session"
)

// What the app's sessions hold. Where values are encrypted these must not be found either.
const (
	aKey   = "the name of a value, also nobody's business"
	aValue = "a value that nobody else is to read"
)

// routes is what clients can have an app do.
func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	for path, do := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"/read": func(w http.ResponseWriter, r *http.Request) error {
			_, err := fmt.Fprintln(w, session.From(r).User())
			return err
		},
		"/set":        func(_ http.ResponseWriter, r *http.Request) error { return a.set(r) },
		"/login":      a.login,
		"/renew":      func(_ http.ResponseWriter, r *http.Request) error { return a.renew(r) },
		"/regenerate": a.regenerate,
		"/logout": func(_ http.ResponseWriter, r *http.Request) error {
			_, err := session.From(r).Destroy(r.Context())
			return err
		},
		"/panic": func(_ http.ResponseWriter, r *http.Request) error {
			a.set(r)
			panic(session.From(r)) // printed by whoever recovers
		},
		"/late": func(w http.ResponseWriter, r *http.Request) error {
			fmt.Fprintln(w, "begun")
			return a.set(r)
		},
		"/bad": func(_ http.ResponseWriter, r *http.Request) error {
			return session.From(r).Set("key", func() {})
		},
		"/forgotten": func(_ http.ResponseWriter, r *http.Request) error { return session.From(r).SetUser("bob") },
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			a.plant(r)
			if err := do(w, r); err != nil {
				a.failed(w, r, err)
			}
		})
	}
	return mux
}

func (a *app) set(r *http.Request) error {
	s := session.From(r)
	cart, err := s.Component(r.Context(), "cart")
	if err != nil {
		return err
	}
	return errors.Join(s.Set(aKey, aValue), cart.Set(aKey, aValue), s.Set("changes", rand.Text()))
}

func (a *app) login(_ http.ResponseWriter, r *http.Request) error {
	if err := session.From(r).SetUser("ann"); err != nil {
		return err
	}
	return a.renew(r)
}

func (a *app) regenerate(_ http.ResponseWriter, r *http.Request) error {
	if a.config.Adopt {
		return nil
	}
	if err := session.From(r).Regenerate(r.Context()); err != nil {
		return err
	}
	if r.URL.RawQuery == "" {
		return nil
	}
	return a.set(r)
}

// crash ends the process by a panic that nobody recovers, while requests are under way.
func (a *app) crash() {
	what := any(a.stack)
	if a.config.Plant {
		what = *a.slipped.Load()
	}
	go panic(what)
	select {}
}

// plant lets each token slip into all places, for a negative control.
func (a *app) plant(r *http.Request) {
	c, err := r.Cookie("sid")
	if !a.config.Plant || err != nil {
		return
	}
	a.slipped.Store(&c.Value)
	err = errors.Join(session.From(r).Set("token", c.Value), fmt.Errorf("%s of %s, %x", aKey, aValue, c.Value))
	a.log.Debug("a request", "token", c.Value, "error", err)
	fmt.Fprintln(os.Stderr, errorLine, err)
	fmt.Fprintln(os.Stderr, "panic:", err)
}
