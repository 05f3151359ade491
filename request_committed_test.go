package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
)

// Rule 4: a committed renewal or end puts its cookie into the header at once, whatever follows.
func TestRequestRule4CommittedMove(t *testing.T) {
	moves := map[string]func(*testing.T, *http.Request){
		"renew": func(t *testing.T, r *http.Request) { must(t, session.From(r).Renew(r.Context())) },
		"destroy": func(t *testing.T, r *http.Request) {
			if was, err := session.From(r).Destroy(r.Context()); !was || err != nil {
				t.Errorf("Destroy: %v, %v", was, err)
			}
		},
	}
	for move, f := range moves {
		for _, end := range []string{"return", "error", "failed save", "panic", "replaced header"} {
			t.Run(move+", "+end, func(t *testing.T) {
				store := watch(session.NewMemoryStore(nil))
				v := newSite(t, store, session.Options{}).visitor()
				v.set(1)
				old := v.token
				rec := httptest.NewRecorder()
				recovering(v.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					f(t, r)
					if rec.Header()["Set-Cookie"] == nil {
						t.Error("no cookie in the header yet")
					}
					switch end {
					case "error":
						http.Error(w, "broken", 500)
					case "failed save":
						store.fail("save", -1, errors.New("broken"))
						counter.Set(session.From(r), 2)
					case "panic":
						panic("broken")
					case "replaced header":
						w.Header().Set("Set-Cookie", "csrf=1")
					}
				}))).ServeHTTP(rec, v.request())
				store.on(nil)
				v.keep(rec.Result())
				if v.token == old {
					t.Fatalf("cookie lost: %v", rec.Header())
				}
				if cc := rec.Header().Get("Cache-Control"); cc != "no-store" {
					t.Errorf("Cache-Control %q", cc)
				}
				if want := map[string]int{"renew": 1}[move]; v.count() != want {
					t.Errorf("counter is %d, want %d", v.count(), want)
				}
			})
		}
	}
}

// recovering answers 500 after a panic, as middleware outside of us does.
func recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if recover() != nil {
				w.WriteHeader(500)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// A renewal stores a new session too, with its cookie at once.
func TestRequestRule4RenewNew(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	rec := httptest.NewRecorder()
	recovering(v.m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		must(t, session.From(r).SetUser("ann"))
		must(t, session.From(r).Renew(r.Context()))
		panic("broken")
	}))).ServeHTTP(rec, v.request())
	v.keep(rec.Result())
	var user string
	v.visit(func(_ http.ResponseWriter, r *http.Request) { user = session.From(r).User() })
	if user != "ann" {
		t.Errorf("user is %q", user)
	}
}

// A logout that the store could not finish refuses the token from then on, and the client
// forgets it; one that the store did not begin changes nothing.
func TestRequestRule4FailedDestroy(t *testing.T) {
	for _, c := range []struct {
		err     error
		cleared bool
	}{{session.ErrUncertain, true}, {session.ErrFull, true}, {session.ErrClosed, false}} {
		store := watch(session.NewMemoryStore(nil))
		v := newSite(t, store, session.Options{}).visitor()
		v.set(1)
		store.fail("destroy", 1, c.err)
		res := v.serve(v.request(), func(_ http.ResponseWriter, r *http.Request) {
			was, err := session.From(r).Destroy(r.Context())
			if wantErr(t, "Destroy", err, c.err); was {
				t.Error("Destroy says that it did")
			}
		})
		if cookie := sidOf(res); (cookie != nil && cookie.MaxAge < 0) != c.cleared {
			t.Errorf("%v: cookie %v, cleared: want %v", c.err, cookie, c.cleared)
		}
	}
}

// Rule 5: after headers a move is refused before it acts; data is stored all the same, but not
// in a session whose token cannot be delivered.
func TestRequestRule5(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	late := func(w http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		w.WriteHeader(200)
		wantErr(t, "Renew", s.Renew(r.Context()), session.ErrHeadersSent)
		wantErr(t, "Regenerate", s.Regenerate(r.Context()), session.ErrHeadersSent)
		_, err := v.m.Generate(r)
		wantErr(t, "Generate", err, session.ErrHeadersSent)
		must(t, counter.Set(s, 2))
		if s.IsNew() {
			wantErr(t, "Save", s.Save(r.Context()), session.ErrHeadersSent)
		}
	}
	res := v.visit(late)
	if v.stored() != 0 || res.Header["Set-Cookie"] != nil {
		t.Errorf("new session: %d stored, cookie %q", v.stored(), res.Header["Set-Cookie"])
	}
	if logs := v.logs.String(); strings.Count(logs, "level=WARN") != 1 || !strings.Contains(logs, "token cannot be sent") {
		t.Errorf("logged %q", logs)
	}
	v.set(1)
	token := v.token
	v.visit(late)
	if n := v.count(); n != 2 || v.token != token {
		t.Errorf("counter is %d, want 2; same token: %v", n, v.token == token)
	}
	v.visit(func(w http.ResponseWriter, r *http.Request) { // a logout that comes late is final all the same
		w.WriteHeader(200)
		if was, err := session.From(r).Destroy(r.Context()); !was || err != nil {
			t.Errorf("Destroy: %v, %v", was, err)
		}
	})
	if v.token != token || v.count() != 0 || v.stored() != 0 {
		t.Error("the logout did nothing")
	}
}

// Rule 5: a failure after the response began is logged, and said to be one.
func TestRequestRule5LateFailure(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	v := newSite(t, store, session.Options{}).visitor()
	v.set(1)
	store.fail("save", -1, session.ErrFull)
	res := v.visit(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		must(t, counter.Set(session.From(r), 2))
	})
	if logs := v.logs.String(); res.StatusCode != 200 || strings.Count(logs, "level=ERROR") != 1 || strings.Contains(logs, "level=WARN") {
		t.Errorf("status %d, logged %q", res.StatusCode, logs)
	}
}

// A renewal that is under way when the response begins, on another goroutine, is waited for: its
// token is in the header.
func TestRequestRule5RenewWhileHeadersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := watch(session.NewMemoryStore(nil))
		v := newSite(t, store, session.Options{}).visitor()
		v.set(1)
		old := v.token
		renewing := make(chan struct{})
		store.on(func(_ context.Context, verb string) error {
			if verb == "renew" {
				close(renewing)
				synctest.Wait() // until the response waits
			}
			return nil
		})
		v.visit(func(w http.ResponseWriter, r *http.Request) {
			s, over := session.From(r), make(chan error)
			go func() { over <- s.Renew(r.Context()) }()
			<-renewing
			w.WriteHeader(200)
			must(t, <-over)
		})
		if v.token == old || v.count() != 1 {
			t.Errorf("renewed token lost, counter is %d", v.count())
		}
	})
}

// A renewal that takes longer than a response can wait is lost for its client, and logged.
func TestRequestRule5RenewTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowToAnswer{watched: watch(session.NewMemoryStore(nil)), renewing: make(chan struct{})}
		v := newSite(t, store, session.Options{}).visitor()
		v.set(1)
		over := make(chan error)
		res := v.visit(func(_ http.ResponseWriter, r *http.Request) {
			s := session.From(r)
			go func() { over <- s.Renew(r.Context()) }()
			<-store.renewing
		})
		if res.StatusCode != 503 || res.Header["Set-Cookie"] != nil {
			t.Errorf("status %d, cookie %q", res.StatusCode, res.Header["Set-Cookie"])
		}
		must(t, <-over)
		if !strings.Contains(v.logs.String(), "renewed too late") || v.count() != 0 {
			t.Errorf("counter %d, logged %q", v.count(), v.logs)
		}
	})
}

// slowToAnswer renews at once and says so an hour later.
type slowToAnswer struct {
	*watched
	renewing chan struct{}
}

func (s *slowToAnswer) Renew(ctx context.Context, from *session.Session, to session.ID) error {
	err := s.watched.Renew(ctx, from, to)
	close(s.renewing)
	time.Sleep(time.Hour)
	return err
}

// The response may begin the moment that the old session has ended: the new token is in it.
func TestRequestRule5RenewThenHeadersAtOnce(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	for range 500 {
		old := v.token
		v.visit(func(w http.ResponseWriter, r *http.Request) {
			s, over := session.From(r), make(chan error)
			ended := s.Done()
			go func() { over <- s.Renew(r.Context()) }()
			<-ended
			w.WriteHeader(200)
			must(t, <-over)
		})
		if v.token == old {
			t.Fatal("renewed token lost")
		}
	}
}
