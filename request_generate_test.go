package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/boltsession/session"
)

// app is a client that keeps the token it is given, and sends it in the field of its transport.
type app struct {
	*site
	field, scheme string
	token         string
}

// apps returns one for each token transport.
func apps(t *testing.T, store func() session.Store) map[string]*app {
	open := func(transport session.Transport) *site {
		return newSite(t, store(), session.Options{Transport: transport})
	}
	return map[string]*app{
		"header": {site: open(session.Header("")), field: "X-Auth-Token"},
		"bearer": {site: open(session.Bearer()), field: "Authorization", scheme: "Bearer "},
	}
}

func memory() session.Store { return session.NewMemoryStore(nil) }

func (a *app) call(h func(http.ResponseWriter, *http.Request)) *http.Response {
	r := httptest.NewRequest("POST", "/", nil)
	if a.token != "" {
		r.Header.Set(a.field, a.scheme+a.token)
	}
	return a.serve(r, h)
}

func (a *app) count() (n int) {
	a.call(func(_ http.ResponseWriter, r *http.Request) { n, _ = counter.Get(session.From(r)) })
	return n
}

// Rule 3: on token transports an absent session reads empty, and takes nothing until Generate.
func TestRequestRule3TokenTransports(t *testing.T) {
	for name, a := range apps(t, memory) {
		for _, token := range []string{"", randomToken()} {
			a.token = token
			res := a.call(func(_ http.ResponseWriter, r *http.Request) {
				s, ctx := session.From(r), r.Context()
				wantErr(t, "Get", s.Get("a", new(int)), session.ErrNoKey)
				if s.User() != "" || len(s.Keys()) != 0 || !s.IsNew() {
					t.Error("an absent session is not empty")
				}
				c, err := s.Component(ctx, "cart")
				must(t, err)
				_, updateErr := counter.Update(s, func(n int) int { return n + 1 })
				for verb, err := range map[string]error{
					"Set": counter.Set(s, 1), "Component.Set": counter.Set(c, 1), "Update": updateErr,
					"SetUser": s.SetUser("ann"),
				} {
					wantErr(t, verb, err, session.ErrNoSession)
				}
				s.Remove("a")
				s.RemoveAll()
				must(t, s.Save(ctx))
				wantErr(t, "Renew", s.Renew(ctx), errors.ErrUnsupported)
				wantErr(t, "Regenerate", s.Regenerate(ctx), errors.ErrUnsupported)
				if err := s.Renew(ctx); !strings.Contains(err.Error(), "Manager.Generate") {
					t.Errorf("Renew: %q does not say what to use", err)
				}
			})
			if a.stored() != 0 || res.Header["X-Auth-Token"] != nil {
				t.Errorf("%s: %d stored, header %v", name, a.stored(), res.Header)
			}
		}
	}
}

// Rule 3: Generate starts a session, which is stored even when empty, and renews one.
func TestRequestRule3Generate(t *testing.T) {
	for name, a := range apps(t, memory) {
		var first, again string
		res := a.call(func(_ http.ResponseWriter, r *http.Request) {
			first, _ = a.m.Generate(r)
			again, _ = a.m.Generate(r)
			if a.stored() != 0 {
				t.Error("stored before the response")
			}
		})
		if first == "" || first != again || a.stored() != 1 {
			t.Errorf("%s: tokens %v, %d stored", name, first == again, a.stored())
		}
		if sent := res.Header.Get("X-Auth-Token"); a.field == "X-Auth-Token" && sent != first {
			t.Errorf("%s: another token was sent", name)
		}
		a.token = first
		var second, third string
		a.call(func(_ http.ResponseWriter, r *http.Request) {
			s := session.From(r)
			must(t, counter.Set(s, 3))
			must(t, s.SetUser("ann"))
			second, _ = a.m.Generate(r)
			must(t, counter.Set(s, 4))
			third, _ = a.m.Generate(r)
			must(t, counter.Set(s, 5))
		})
		for old, token := range map[string]string{"first": first, "second": second} {
			if a.token = token; a.count() != 0 {
				t.Errorf("%s: the %s token still opens", name, old)
			}
		}
		if a.token = third; a.count() != 5 || a.stored() != 1 {
			t.Errorf("%s: counter is %d, %d stored", name, a.count(), a.stored())
		}
	}
}

// Generate after Destroy starts an empty session, as Regenerate does for cookies.
func TestRequestRule3GenerateAfterDestroy(t *testing.T) {
	for name, a := range apps(t, memory) {
		for known, want := range map[bool]error{true: session.ErrNotFound, false: session.ErrNoSession} {
			a.token = randomToken()
			if known {
				a.token = a.generate()
			}
			old := a.token
			a.call(func(_ http.ResponseWriter, r *http.Request) {
				was, err := session.From(r).Destroy(r.Context())
				if was != known || err != nil {
					t.Errorf("%s: Destroy: %v, %v", name, was, err)
				}
				wantErr(t, "Set", counter.Set(session.From(r), 9), want)
				a.token, err = a.m.Generate(r)
				must(t, err)
				if n, ok := counter.Get(session.From(r)); ok {
					t.Errorf("%s: the new session has %d", name, n)
				}
				must(t, counter.Set(session.From(r), 8))
			})
			if a.token == old || a.count() != 8 {
				t.Errorf("%s: counter is %d", name, a.count())
			}
		}
	}
}

// Generate answers what it did: nothing, when the store could not.
func TestRequestRule3GenerateFails(t *testing.T) {
	var store *watched
	for name, a := range apps(t, func() session.Store { store = watch(memory()); return store }) {
		store := a.store.(*watched)
		store.fail("save", 1, session.ErrFull)
		res := a.call(func(w http.ResponseWriter, r *http.Request) {
			token, err := a.m.Generate(r)
			must(t, err)
			w.Write([]byte(token))
		})
		if res.StatusCode != 503 || a.stored() != 0 || res.Header["X-Auth-Token"] != nil {
			t.Errorf("%s: status %d, %d stored, header %v", name, res.StatusCode, a.stored(), res.Header)
		}
		store.on(nil)
		a.token = a.generate()
		store.fail("renew", 1, session.ErrFull)
		a.call(func(_ http.ResponseWriter, r *http.Request) {
			token, err := a.m.Generate(r)
			if wantErr(t, "Generate", err, session.ErrFull); token != "" {
				t.Error("a token with an error")
			}
		})
		if a.count() != 7 {
			t.Errorf("%s: the token is dead", name)
		}
	}
}

// Of two renewals at once one gets the session.
func TestRequestGenerateTwiceAtOnce(t *testing.T) {
	for name, a := range apps(t, memory) {
		a.token = a.generate()
		a.call(func(_ http.ResponseWriter, slow *http.Request) {
			session.From(slow)
			var winner string
			a.call(func(_ http.ResponseWriter, r *http.Request) { winner, _ = a.m.Generate(r) })
			_, err := a.m.Generate(slow)
			wantErr(t, name, err, session.ErrNotFound)
			a.token = winner
		})
		if a.count() != 7 {
			t.Errorf("%s: the winner's token opens nothing", name)
		}
	}
}

// Generate works on cookies too: the app may show the token, the cookie comes as ever.
func TestRequestGenerateCookie(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	for _, n := range []int{0, 1} {
		var token string
		v.visit(func(_ http.ResponseWriter, r *http.Request) {
			token, _ = v.m.Generate(r)
			_, err := counter.Update(session.From(r), func(n int) int { return n + 1 })
			must(t, err)
		})
		if v.token != token || v.count() != n+1 || v.stored() != 1 {
			t.Errorf("token in the cookie: %v, counter %d, %d stored", v.token == token, v.count(), v.stored())
		}
	}
}
