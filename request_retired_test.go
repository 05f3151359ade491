package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
)

// login gives the visitor a new token in a request of its own, as ann.
func (v *visitor) login() {
	v.t.Helper()
	v.visit(func(_ http.ResponseWriter, r *http.Request) {
		must(v.t, session.From(r).SetUser("ann"))
		must(v.t, session.From(r).Renew(r.Context()))
		must(v.t, counter.Set(session.From(r), 100))
	})
}

func (v *visitor) user() (user string) {
	v.visit(func(_ http.ResponseWriter, r *http.Request) { user = session.From(r).User() })
	return user
}

// Rule 6: a request that comes with a retired token gets an empty session. Nothing that it sets
// is stored, and no cookie is sent.
func TestRequestRule6(t *testing.T) {
	for retired, move := range map[string]func(*testing.T, *http.Request){
		"renewed":     func(t *testing.T, r *http.Request) { must(t, session.From(r).Renew(r.Context())) },
		"regenerated": func(t *testing.T, r *http.Request) { must(t, session.From(r).Regenerate(r.Context())) },
	} {
		for name, late := range map[string]func(*testing.T, *http.Request){
			"set":  func(t *testing.T, r *http.Request) { must(t, counter.Set(session.From(r), 9)) },
			"user": func(t *testing.T, r *http.Request) { must(t, session.From(r).SetUser("eve")) },
			"save": func(t *testing.T, r *http.Request) {
				must(t, counter.Set(session.From(r), 9))
				wantErr(t, "Save", session.From(r).Save(r.Context()), session.ErrNotFound)
			},
			"destroy": func(t *testing.T, r *http.Request) {
				if was, err := session.From(r).Destroy(r.Context()); was || err != nil {
					t.Errorf("Destroy: %v, %v", was, err)
				}
			},
		} {
			v := newSite(t, nil, session.Options{}).visitor()
			v.set(1)
			before := v.request()
			v.visit(func(_ http.ResponseWriter, r *http.Request) {
				move(t, r)
				must(t, counter.Set(session.From(r), 5))
			})
			res := v.serve(before, func(_ http.ResponseWriter, r *http.Request) {
				if n, _ := counter.Get(session.From(r)); n != 0 || !session.From(r).IsNew() {
					t.Errorf("%s: the late request sees %d", retired, n)
				}
				late(t, r)
			})
			if res.Header["Set-Cookie"] != nil || v.stored() != 1 || v.count() != 5 {
				t.Errorf("%s, then %s: cookie %q, %d stored, counter %d",
					retired, name, res.Header["Set-Cookie"], v.stored(), v.count())
			}
		}
	}
}

// Rule 6: unless its handler itself asks for a new token.
func TestRequestRule6OwnMove(t *testing.T) {
	for name, move := range map[string]func(*testing.T, *session.Manager, *http.Request){
		"renew": func(t *testing.T, _ *session.Manager, r *http.Request) { must(t, session.From(r).Renew(r.Context())) },
		"regenerate": func(t *testing.T, _ *session.Manager, r *http.Request) {
			must(t, session.From(r).Regenerate(r.Context()))
		},
		"generate": func(t *testing.T, m *session.Manager, r *http.Request) {
			_, err := m.Generate(r)
			must(t, err)
		},
	} {
		v := newSite(t, nil, session.Options{}).visitor()
		v.set(1)
		old := v.token
		v.login()
		v.token = old
		v.visit(func(_ http.ResponseWriter, r *http.Request) {
			move(t, v.m, r)
			must(t, counter.Set(session.From(r), 9))
		})
		if v.token == old || v.count() != 9 || v.user() != "" {
			t.Errorf("%s: same token %v, counter %d, user %q", name, v.token == old, v.count(), v.user())
		}
	}
}

// A minute later a retired token is as unknown as any. So is one merely destroyed, at once.
func TestRequestRule6Forgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t, nil, session.Options{}).visitor()
		v.set(1)
		old := v.token
		v.login()
		v.token = old
		time.Sleep(time.Minute)
		v.visit(func(_ http.ResponseWriter, r *http.Request) { must(t, counter.Set(session.From(r), 2)) })
		if v.token == old || v.count() != 2 {
			t.Error("no new session a minute later")
		}
		old = v.token
		must(t, v.m.Store().Destroy(t.Context(), session.TokenID(old)))
		v.set(3)
		if v.token == old || v.count() != 3 {
			t.Error("no new session after a logout")
		}
	})
}

// A renewal that the store cleanly refuses leaves the token as it was.
func TestRequestRule6FailedRenewal(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	v := newSite(t, store, session.Options{}).visitor()
	v.set(1)
	old := v.token
	store.fail("renew", 1, session.ErrFull)
	v.visit(func(_ http.ResponseWriter, r *http.Request) {
		wantErr(t, "Renew", session.From(r).Renew(r.Context()), session.ErrFull)
		must(t, counter.Set(session.From(r), 2))
	})
	if v.token != old || v.count() != 2 {
		t.Errorf("after the failure: same token %v, counter %d", v.token == old, v.count())
	}
	must(t, v.m.Store().Destroy(t.Context(), session.TokenID(old)))
	v.visit(func(_ http.ResponseWriter, r *http.Request) { must(t, counter.Set(session.From(r), 3)) })
	if v.token == old || v.count() != 3 {
		t.Error("the token still counts as retired")
	}
}

// A login during a slow request that carries the old token: the slow one sees nothing of the
// login, stores nothing and sets no cookie, even if it logs out.
func TestRequestRule6LoginDuringSlowRequest(t *testing.T) {
	for name, then := range map[string]func(*testing.T, *http.Request){
		"set": func(t *testing.T, r *http.Request) {
			wantErr(t, "Set", counter.Set(session.From(r), 9), session.ErrNotFound)
		},
		"renew": func(t *testing.T, r *http.Request) {
			wantErr(t, "Renew", session.From(r).Renew(r.Context()), session.ErrNotFound)
		},
		"destroy": func(t *testing.T, r *http.Request) {
			if was, err := session.From(r).Destroy(r.Context()); was || err != nil {
				t.Errorf("Destroy: %v, %v", was, err)
			}
		},
	} {
		v := newSite(t, nil, session.Options{}).visitor()
		v.set(1)
		res := v.serve(v.request(), func(_ http.ResponseWriter, r *http.Request) {
			s := session.From(r)
			v.login() // another request, whole
			if n, _ := counter.Get(s); n != 1 || s.User() != "" {
				t.Errorf("the slow request sees the login: %d, %q", n, s.User())
			}
			select {
			case <-s.Done():
			default:
				t.Error("Done is not closed")
			}
			then(t, r)
		})
		if res.Header["Set-Cookie"] != nil {
			t.Errorf("%s: the slow request set %q", name, res.Header["Set-Cookie"])
		}
		if v.user() != "ann" || v.count() != 100 || v.stored() != 1 {
			t.Errorf("%s: user %q, counter %d, %d stored", name, v.user(), v.count(), v.stored())
		}
	}
}

// What a slow request set before the login, unsaved, goes along with the renewal.
func TestRequestRule6DataBeforeLogin(t *testing.T) {
	const early session.Key[string] = "early"
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	v.serve(v.request(), func(_ http.ResponseWriter, r *http.Request) {
		must(t, early.Set(session.From(r), "kept"))
		v.login()
	})
	v.visit(func(_ http.ResponseWriter, r *http.Request) {
		if got, _ := early.Get(session.From(r)); got != "kept" {
			t.Errorf("early is %q", got)
		}
	})
}

// A logout during a slow request stays out (Rack's CVE-2025-46336).
func TestRequestLogoutDuringSlowRequest(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	res := v.serve(v.request(), func(_ http.ResponseWriter, r *http.Request) {
		must(t, counter.Set(session.From(r), 2))
		v.visit(func(_ http.ResponseWriter, r *http.Request) {
			if was, err := session.From(r).Destroy(r.Context()); !was || err != nil {
				t.Errorf("Destroy: %v, %v", was, err)
			}
		})
		wantErr(t, "Set", counter.Set(session.From(r), 3), session.ErrNotFound)
		wantErr(t, "Save", session.From(r).Save(r.Context()), session.ErrNotFound)
	})
	if res.StatusCode != 200 || res.Header["Set-Cookie"] != nil || v.stored() != 0 || v.token != "" {
		t.Errorf("status %d, cookie %q, %d stored", res.StatusCode, res.Header["Set-Cookie"], v.stored())
	}
}

// A planted token never becomes a login (session fixation): not without a new token, and with
// one, in whichever order, not the planted one's.
func TestRequestFixation(t *testing.T) {
	for name, c := range map[string]struct {
		login func(*testing.T, *session.Manager, *http.Request)
		user  string
	}{
		"no renewal": {func(t *testing.T, _ *session.Manager, r *http.Request) {
			must(t, session.From(r).SetUser("ann"))
		}, ""},
		"renewed after": {func(t *testing.T, _ *session.Manager, r *http.Request) {
			must(t, session.From(r).SetUser("ann"))
			must(t, session.From(r).Renew(r.Context()))
		}, "ann"},
		"renewed before": {func(t *testing.T, _ *session.Manager, r *http.Request) {
			must(t, session.From(r).Renew(r.Context()))
			must(t, session.From(r).SetUser("ann"))
		}, "ann"},
		"generated before": {func(t *testing.T, m *session.Manager, r *http.Request) {
			_, err := m.Generate(r)
			must(t, err)
			must(t, session.From(r).SetUser("ann"))
		}, "ann"},
		"regenerated before": {func(t *testing.T, _ *session.Manager, r *http.Request) {
			must(t, session.From(r).Regenerate(r.Context()))
			must(t, session.From(r).SetUser("ann"))
		}, "ann"},
	} {
		s := newSite(t, nil, session.Options{})
		attacker, victim := s.visitor(), s.visitor()
		attacker.set(1)
		victim.token = attacker.token
		victim.visit(func(_ http.ResponseWriter, r *http.Request) { c.login(t, s.m, r) })
		if got := victim.user(); got != c.user {
			t.Errorf("%s: the victim is %q, want %q", name, got, c.user)
		}
		if got := attacker.user(); got != "" {
			t.Errorf("%s: the attacker is %q", name, got)
		}
	}
}
