//go:build linux

package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/boltsession/session"
)

// aValue is what the app's sessions hold; where values are encrypted it must not be found either.
const aValue = "a value that nobody else is to read"

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
			panic(session.From(r)) // a session, printed by whoever recovers
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
	return errors.Join(s.Set("key", aValue), cart.Set("item", aValue))
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

// crash ends the process by a panic that nobody recovers, while a request is under way.
func (a *app) crash() {
	what := any(a.stack)
	go panic(what)
	select {}
}

// plant puts the token where it must not be, for a negative control.
func (a *app) plant(r *http.Request) {
}
