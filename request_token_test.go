package session_test

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// Rule 1: the token comes from the one configured transport, never another, never the URL; one
// that is not well-formed, or differing duplicates, do not reach the store.
func TestRequestRule1(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	v := newSite(t, store, session.Options{}).visitor()
	v.set(1)
	own, other := v.token, randomToken()
	for _, c := range []struct {
		name   string
		url    string
		header http.Header
		opens  bool
	}{
		{"cookie", "/", http.Header{"Cookie": {"sid=" + own}}, true},
		{"equal duplicates", "/", http.Header{"Cookie": {"sid=" + own + "; sid=" + own}}, true},
		{"among others", "/", http.Header{"Cookie": {"a=b; sid=" + own, "c=d"}}, true},
		{"none", "/", nil, false},
		{"url", "/?sid=" + own + "&token=" + own, nil, false},
		{"header", "/", http.Header{"X-Auth-Token": {own}}, false},
		{"bearer", "/", http.Header{"Authorization": {"Bearer " + own}}, false},
		{"other cookie", "/", http.Header{"Cookie": {"SID=" + own + "; session=" + own}}, false},
		{"differing duplicates", "/", http.Header{"Cookie": {"sid=" + own + "; sid=" + other}}, false},
		{"duplicates in two fields", "/", http.Header{"Cookie": {"sid=" + other, "sid=" + own}}, false},
		{"malformed duplicate", "/", http.Header{"Cookie": {"sid=x; sid=" + own}}, false},
		{"empty", "/", http.Header{"Cookie": {"sid="}}, false},
		{"short", "/", http.Header{"Cookie": {"sid=" + own[:42]}}, false},
		{"long", "/", http.Header{"Cookie": {"sid=" + own + "A"}}, false},
		{"quoted", "/", http.Header{"Cookie": {`sid="` + own + `"`}}, false},
		{"padded", "/", http.Header{"Cookie": {"sid=" + own[:42] + "="}}, false},
		{"other alphabet", "/", http.Header{"Cookie": {"sid=" + own[:41] + "+/"}}, false},
		{"path", "/", http.Header{"Cookie": {"sid=../../../../../../../../../../../../etc/passwd"}}, false},
		{"path of the right length", "/", http.Header{"Cookie": {"sid=" + strings.Repeat("../", 15)[:43]}}, false},
		{"4 KiB", "/", http.Header{"Cookie": {"sid=" + strings.Repeat("A", 4096)}}, false},
	} {
		r := httptest.NewRequest("GET", c.url, nil)
		for name, lines := range c.header {
			r.Header[name] = lines
		}
		reads, writes := store.reads.Load(), store.writes.Load()
		var found bool
		res := v.serve(r, func(_ http.ResponseWriter, r *http.Request) { _, found = counter.Get(session.From(r)) })
		if found != c.opens {
			t.Errorf("%s: session opened: %v, want %v", c.name, found, c.opens)
		}
		if got := store.reads.Load() - reads; got > 0 && !c.opens {
			t.Errorf("%s: %d reads of the store", c.name, got)
		}
		if store.writes.Load() != writes || res.Header["Set-Cookie"] != nil {
			t.Errorf("%s: stored or sent something", c.name)
		}
	}
}

func TestRequestRule1OtherTransports(t *testing.T) {
	for _, c := range []struct {
		name      string
		transport session.Transport
		field     string
		scheme    string
	}{
		{"header", session.Header(""), "X-Auth-Token", ""},
		{"bearer", session.Bearer(), "Authorization", "Bearer "},
		{"from elsewhere", queryTransport{}, "X-Query", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, nil, session.Options{Transport: c.transport})
			token := s.generate()
			if n := s.read(func(h http.Header) { h.Set(c.field, c.scheme+token) }); n != 7 {
				t.Errorf("with the token: %d, want 7", n)
			}
			if n := s.read(func(h http.Header) { h.Set("Cookie", "sid="+token) }); n != 0 {
				t.Error("served by a cookie")
			}
		})
	}
}

// generate starts a session with the counter at 7 and returns its token.
func (s *site) generate() (token string) {
	s.serve(httptest.NewRequest("POST", "/", nil), func(_ http.ResponseWriter, r *http.Request) {
		var err error
		token, err = s.m.Generate(r)
		must(s.t, err)
		must(s.t, counter.Set(session.From(r), 7))
	})
	return token
}

// read returns the counter that a request sees.
func (s *site) read(with func(http.Header)) (n int) {
	r := httptest.NewRequest("GET", "/", nil)
	with(r.Header)
	s.serve(r, func(_ http.ResponseWriter, r *http.Request) { n, _ = counter.Get(session.From(r)) })
	return n
}

// queryTransport is an app's own, which lets through what is no token.
type queryTransport struct{}

func (queryTransport) Token(r *http.Request) (string, bool) {
	return r.Header.Get("X-Query"), true
}
func (queryTransport) Send(http.Header, *http.Request, string, time.Time) {}
func (queryTransport) Clear(http.Header, *http.Request)                   {}
func (queryTransport) Vary() string                                       { return "X-Query" }

func TestRequestRule1ForeignTransportIsChecked(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	s := newSite(t, store, session.Options{Transport: queryTransport{}})
	for _, token := range []string{"", "x", "../../etc/passwd", strings.Repeat("A", 44)} {
		s.read(func(h http.Header) { h.Set("X-Query", token) })
	}
	if n := store.reads.Load(); n != 0 {
		t.Errorf("%d reads of the store", n)
	}
}

// Rule 2: a client's token is never adopted, however well-formed.
func TestRequestRule2UnknownTokens(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	s := newSite(t, store, session.Options{})
	for range 1000 {
		token := randomToken()
		r := httptest.NewRequest("GET", "/", nil)
		r.AddCookie(&http.Cookie{Name: "sid", Value: token})
		res := s.serve(r, func(w http.ResponseWriter, r *http.Request) {
			if c := session.From(r); !c.IsNew() || c.ID() == session.TokenID(token) {
				t.Error("token adopted")
			}
			fmt.Fprint(w, "hello")
		})
		if res.Header["Set-Cookie"] != nil {
			t.Fatal("a cookie was sent")
		}
	}
	if n := store.writes.Load(); n != 0 || s.stored() != 0 {
		t.Errorf("%d writes, %d sessions stored", n, s.stored())
	}
	v := s.visitor()
	v.token = randomToken()
	planted := v.token
	v.set(1)
	if v.token == planted || s.stored() != 1 {
		t.Error("the planted token became a session's")
	}
	v.token = planted
	if v.count() != 0 {
		t.Error("the planted token opens a session")
	}
}

func randomToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}
