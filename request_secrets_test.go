package session_test

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/boltsession/session"
)

// No token, key or value is in the logs at debug level, in errors or in panics, raw, in hex or
// in base64 (Spring's CVE-2023-20866).
func TestRequestLogsNoSecrets(t *testing.T) {
	n := 2000
	if testing.Short() {
		n = 100
	}
	store := watch(session.NewMemoryStore(nil))
	s := newSite(t, store, session.Options{})
	secrets := []string{"secret-key", "secret-value", "secret-user"}
	for range n {
		v := s.visitor()
		v.visit(func(_ http.ResponseWriter, r *http.Request) {
			must(t, session.From(r).Set("secret-key", "secret-value"))
			must(t, session.From(r).SetUser("secret-user"))
		})
		secrets = append(secrets, v.token)
		everythingGoesWrong(v, store)
		secrets = append(secrets, v.token)
	}
	logs := s.logs.String()
	for _, message := range []string{
		"loading the session", "saving the session", "fingerprint changed", "changes discarded", "token cannot be sent",
		"after the response began", "ended during the request", "the request's token is not used",
	} {
		if !strings.Contains(logs, message) {
			t.Errorf("the test does not provoke %q", message)
		}
	}
	for _, secret := range secrets {
		raw, err := base64.RawURLEncoding.DecodeString(secret)
		if err != nil {
			raw = []byte(secret)
		}
		for _, form := range []string{
			secret, string(raw), hex.EncodeToString(raw), hex.EncodeToString([]byte(secret)),
			base64.StdEncoding.EncodeToString(raw), base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)],
		} {
			if strings.Contains(logs, form) {
				t.Fatalf("the logs have %q", form)
			}
		}
	}
}

// everythingGoesWrong has the visitor do what is logged, and check the errors.
func everythingGoesWrong(v *visitor, store *watched) {
	broken := errors.New("broken")
	set := func(_ http.ResponseWriter, r *http.Request) {
		if err := session.From(r).Set("secret-key", func() {}); err == nil || strings.Contains(fmt.Sprint(err), "secret") {
			v.t.Errorf("Set: %v", err)
		}
		session.From(r).Set("secret-key", "secret-value 2")
	}
	late := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		set(w, r)
	}
	for _, verb := range []string{"get", "save", "renew", "destroy"} {
		store.fail(verb, 1, broken)
		v.serve(v.request(), set)
		store.fail(verb, 1, broken)
		v.serve(v.request(), late)
		store.on(nil)
	}
	func() {
		defer func() { recover() }()
		v.serve(v.request(), func(w http.ResponseWriter, r *http.Request) {
			session.From(r).Set("secret-key", "secret-value 3")
			panic("broken")
		})
	}()
	v.serve(httptest.NewRequest("GET", "/", nil), late)
	twice := v.request()
	twice.Header.Add("Cookie", "sid="+randomToken())
	v.serve(twice, set)
	stolen := v.request()
	stolen.Header.Set("User-Agent", "another")
	v.serve(stolen, set)
	slow := v.request()
	v.serve(slow, func(w http.ResponseWriter, r *http.Request) {
		set(w, r)
		session.From(r).Set("secret-key", "secret-value 4")
		v.m.Store().Destroy(r.Context(), session.TokenID(v.token))
	})
}

// Anonymous requests, logouts and unknown tokens write nothing (Django's CVE-2015-5143 and 5963).
func TestRequestStrangersWriteNothing(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 500
	}
	store := watch(session.NewMemoryStore(nil))
	s := newSite(t, store, session.Options{})
	for i := range n {
		r := httptest.NewRequest("GET", "/", nil)
		if i%2 == 0 {
			r.AddCookie(&http.Cookie{Name: "sid", Value: randomToken()})
		}
		known := i%2 == 0
		res := s.serve(r, func(_ http.ResponseWriter, r *http.Request) {
			switch i % 6 / 2 {
			case 0:
				counter.Get(session.From(r))
			case 1:
				if was, err := session.From(r).Destroy(r.Context()); was || err != nil {
					t.Errorf("Destroy: %v, %v", was, err)
				}
			case 2:
				must(t, session.From(r).Regenerate(r.Context()))
			}
		})
		if c := sidOf(res); c != nil && (!known || c.MaxAge >= 0) {
			t.Fatalf("cookie %v", c)
		}
	}
	if writes := store.writes.Load(); writes != 0 || s.stored() != 0 {
		t.Errorf("%d writes, %d sessions stored", writes, s.stored())
	}
}

// nullWriter is a response that costs nothing.
type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) WriteHeader(int)             {}

// A request costs few allocations, a stranger's that uses no session next to none.
func TestRequestAllocs(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	read := func(w http.ResponseWriter, r *http.Request) {
		counter.Get(session.From(r))
		w.WriteHeader(200)
	}
	for _, c := range []struct {
		name string
		r    *http.Request
		h    http.HandlerFunc
		most float64
	}{
		{"read", v.request(), read, 40}, // 49 with a store that reads a file
		{"read nothing", v.site.visitor().request(), read, 28},
		{"no session", v.site.visitor().request(), func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) }, 16},
	} {
		h, w := v.m.Handler(c.h), &nullWriter{make(http.Header)}
		got := testing.AllocsPerRun(100, func() {
			clear(w.header)
			h.ServeHTTP(w, c.r)
		})
		t.Logf("%s: %v allocations", c.name, got)
		if got > c.most {
			t.Errorf("%s: %v allocations, at most %v wanted", c.name, got, c.most)
		}
	}
}
