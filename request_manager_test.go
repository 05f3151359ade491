package session_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// A contradiction among the options is an error that names them.
func TestNewOptions(t *testing.T) {
	for _, c := range []struct {
		opts session.Options
		says string
	}{
		{session.Options{MaxAge: -1}, "Options.MaxAge"},
		{session.Options{Lifetime: -1}, "Options.Lifetime"},
		{session.Options{MaxAge: time.Millisecond}, "Options.MaxAge"},
		{session.Options{Lifetime: time.Millisecond}, "Options.Lifetime"},
		{session.Options{MaxAge: 2 * time.Hour, Lifetime: time.Hour}, "Options.MaxAge is 2h0m0s, longer than Options.Lifetime with 1h0m0s"},
		{session.Options{MaxAge: 31 * 24 * time.Hour}, "Options.Lifetime with 720h"},
		{session.Options{TrustedProxies: []netip.Prefix{{}}}, "Options.TrustedProxies[0]"},
		{session.Options{ScriptableCookie: true, Transport: session.Bearer()}, "Options.ScriptableCookie"},
		{session.Options{Transport: session.Cookie(http.Cookie{SameSite: http.SameSiteNoneMode})}, "SameSite"},
		{session.Options{Transport: session.Cookie(http.Cookie{Name: "__Host-sid"})}, "Name"},
		{session.Options{Transport: session.Header("Cookie")}, "Header"},
	} {
		m, err := session.New(session.NewMemoryStore(nil), &c.opts)
		if m != nil || err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want an error with %q", c.opts, err, c.says)
		}
	}
	proxy := session.NewProxyStore(nil, &session.ProxyOptions{Cookie: http.Cookie{Path: "app"}})
	if _, err := session.New(proxy, nil); err == nil || !strings.Contains(err.Error(), "Path") {
		t.Errorf("the ProxyStore's cookie: %v", err)
	}
}

// The ages of a new session are the options', by default 4 hours and 30 days.
func TestNewAges(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct{ maxAge, lifetime, wantAge, wantLife time.Duration }{
		{0, 0, 4 * time.Hour, 30 * day},
		{time.Second, time.Second, time.Second, time.Second},
		{0, time.Hour, time.Hour, time.Hour},
		{30 * day, 0, 30 * day, 30 * day},
		{day, 100 * day, day, 100 * day},
	} {
		s := newSite(t, nil, session.Options{MaxAge: c.maxAge, Lifetime: c.lifetime})
		s.visitor().set(1)
		for info, err := range s.store.(session.Lister).All(t.Context()) {
			must(t, err)
			if life := info.End.Sub(info.Created); info.MaxAge != c.wantAge || life != c.wantLife {
				t.Errorf("%v, %v: max age %v, lifetime %v", c.maxAge, c.lifetime, info.MaxAge, life)
			}
		}
	}
}

// Without options and store everything has a default; the logger is slog's.
func TestNewDefaults(t *testing.T) {
	var logs logBook
	old := slog.Default()
	t.Cleanup(func() { slog.SetDefault(old) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&logs, nil)))
	m, err := session.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := (&site{t: t, m: m, store: m.Store()}).visitor()
	v.set(1)
	if v.count() != 1 {
		t.Error("no session")
	}
	must(t, m.Store().Close())
	if res := v.visit(func(http.ResponseWriter, *http.Request) {}); res.StatusCode != 503 {
		t.Errorf("status %d from a closed store", res.StatusCode)
	}
	if !strings.Contains(logs.String(), session.ErrClosed.Error()) {
		t.Errorf("slog.Default has %q", logs.String())
	}
}

// From outside of Handler panics and says what to do. FromContext says no.
func TestFromOutsideHandler(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	panics(t, "wrap the handler in Manager.Handler", func() { session.From(r) })
	if _, ok := session.FromContext(r.Context()); ok {
		t.Error("FromContext found a session")
	}
	m := newSite(t, nil, session.Options{}).m
	if _, err := m.Generate(r); err == nil || !strings.Contains(err.Error(), "Handler") {
		t.Errorf("Generate: %v", err)
	}
}

// A session put into a context by hand is found there, in a request too.
func TestNewContext(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	s, release, err := v.m.Store().Acquire(t.Context(), session.TokenID(v.token))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if got, ok := session.FromContext(session.NewContext(t.Context(), s)); !ok || got != s {
		t.Error("FromContext does not find it")
	}
	res := v.visit(func(_ http.ResponseWriter, r *http.Request) {
		own, _ := session.FromContext(r.Context())
		ctx := session.NewContext(context.WithoutCancel(r.Context()), own)
		if session.From(r.WithContext(ctx)) != own {
			t.Error("From does not find the request's own")
		}
		_, err := v.m.Generate(r.WithContext(ctx))
		must(t, err)
	})
	if res.Header.Get("Vary") != "Cookie" {
		t.Error("a response that depends on the session does not say so")
	}
}

// A Handler inside another one of the same Manager is the same request; one of another Manager
// over the same store has a session of its own, and both are saved and sent.
func TestNestedHandlers(t *testing.T) {
	store := session.NewMemoryStore(nil)
	pages := newSite(t, store, session.Options{})
	api := newSite(t, store, session.Options{Transport: session.Header("")})
	if pages.m.Store() != api.m.Store() {
		t.Fatal("two ProxyStores over one store")
	}
	var page, inner, again *session.Session
	var token string
	h := pages.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page = session.From(r)
		api.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner = session.From(r)
			pages.m.Handler(pages.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				again = session.From(r)
				must(t, counter.Set(again, 1))
			}))).ServeHTTP(w, r)
			var err error
			token, err = api.m.Generate(r)
			must(t, err)
			must(t, counter.Set(inner, 2))
			_, err = pages.m.Generate(r)
			must(t, err)
		})).ServeHTTP(w, r)
	}))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if page == inner || page != again {
		t.Errorf("same in another Manager's: %v; same in its own: %v", page == inner, page == again)
	}
	v := pages.visitor()
	v.keep(rec.Result())
	if v.count() != 1 || api.read(func(h http.Header) { h.Set("X-Auth-Token", token) }) != 2 {
		t.Error("one of the two is lost")
	}
	if got := rec.Header().Get("X-Auth-Token"); got != token {
		t.Error("the API's token was not sent")
	}
	if got := rec.Header()["Vary"]; fmt.Sprint(got) != "[X-Auth-Token Cookie]" {
		t.Errorf("Vary %q", got)
	}
}

// A request that is served again after it was over, from its old context, begins anew.
func TestHandlerAfterRequest(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	var over *http.Request
	v.visit(func(_ http.ResponseWriter, r *http.Request) { over = r })
	v.serve(over.WithContext(context.WithoutCancel(over.Context())), func(_ http.ResponseWriter, r *http.Request) {
		must(t, counter.Set(session.From(r), 2))
	})
	if n := v.count(); n != 2 {
		t.Errorf("counter is %d, want 2", n)
	}
}

// What handlers note in the request reaches the server, which removes an upload's temporary
// files, and the middleware outside.
func TestHandlerHandsBack(t *testing.T) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	must(t, form.WriteField("name", "value"))
	must(t, form.Close())
	r := httptest.NewRequest("POST", "/upload", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /upload", func(_ http.ResponseWriter, r *http.Request) { must(t, r.ParseMultipartForm(1)) })
	newSite(t, nil, session.Options{}).serve(r, mux.ServeHTTP)
	if r.MultipartForm == nil || r.Pattern != "POST /upload" {
		t.Errorf("form %v, pattern %q", r.MultipartForm, r.Pattern)
	}
}
