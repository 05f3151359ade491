package session_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// Rule 3: a session is stored, and a token sent, only once something was set.
func TestRequestRule3(t *testing.T) {
	idle := map[string]func(*testing.T, *http.Request){
		"nothing": func(*testing.T, *http.Request) {},
		"from":    func(_ *testing.T, r *http.Request) { session.From(r) },
		"read": func(t *testing.T, r *http.Request) {
			s := session.From(r)
			wantErr(t, "Get", s.Get("a", new(int)), session.ErrNoKey)
			_, err := s.Component(r.Context(), "cart")
			must(t, err)
			must(t, s.Reload(r.Context()))
		},
		"touch, save": func(t *testing.T, r *http.Request) {
			session.From(r).Touch()
			must(t, session.From(r).Save(r.Context()))
		},
		"max age": func(t *testing.T, r *http.Request) { must(t, session.From(r).SetMaxAge(time.Minute)) },
		"removed": func(t *testing.T, r *http.Request) {
			must(t, counter.Set(session.From(r), 1))
			counter.Remove(session.From(r))
		},
		"cleared": func(t *testing.T, r *http.Request) {
			must(t, counter.Set(session.From(r), 1))
			session.From(r).RemoveAll()
		},
		"destroyed": func(t *testing.T, r *http.Request) {
			must(t, counter.Set(session.From(r), 1))
			was, err := session.From(r).Destroy(r.Context())
			if was || err != nil {
				t.Errorf("Destroy: %v, %v", was, err)
			}
		},
		"regenerated": func(t *testing.T, r *http.Request) {
			must(t, counter.Set(session.From(r), 1))
			must(t, session.From(r).Regenerate(r.Context()))
		},
	}
	for name, f := range idle {
		opened := false
		store := session.NewProxyStore(func() (session.Store, error) {
			opened = true
			return session.NewMemoryStore(nil), nil
		}, nil)
		s := newSite(t, store, session.Options{})
		res := s.serve(httptest.NewRequest("GET", "/", nil), func(_ http.ResponseWriter, r *http.Request) { f(t, r) })
		if name == "from" && opened {
			t.Error("From opened the store")
		}
		if s.stored() != 0 || res.Header["Set-Cookie"] != nil {
			t.Errorf("%s: %d stored, cookie %q", name, s.stored(), res.Header["Set-Cookie"])
		}
	}
	for name, f := range map[string]func(*testing.T, *http.Request){
		"set":  func(t *testing.T, r *http.Request) { must(t, counter.Set(session.From(r), 0)) },
		"user": func(t *testing.T, r *http.Request) { must(t, session.From(r).SetUser("ann")) },
		"component": func(t *testing.T, r *http.Request) {
			c, err := session.From(r).Component(r.Context(), "cart")
			must(t, err)
			must(t, counter.Set(c, 1))
		},
		"renew": func(t *testing.T, r *http.Request) { must(t, session.From(r).Renew(r.Context())) },
		"nothing, regenerated": func(t *testing.T, r *http.Request) {
			must(t, session.From(r).Regenerate(r.Context()))
			must(t, counter.Set(session.From(r), 1))
		},
	} {
		v := newSite(t, nil, session.Options{}).visitor()
		v.visit(func(_ http.ResponseWriter, r *http.Request) { f(t, r) })
		if v.stored() != 1 || v.token == "" {
			t.Errorf("%s: %d stored, token %q", name, v.stored(), v.token)
		}
	}
}

// Rule 4: before the first byte, flush, hijack or final header what is dirty is saved, and then
// the cookie set.
func TestRequestRule4(t *testing.T) {
	for _, c := range []struct {
		name  string
		first func(http.ResponseWriter)
		want  []string
	}{
		{"return", func(http.ResponseWriter) {}, []string{"save"}},
		{"write", func(w http.ResponseWriter) { fmt.Fprint(w, "x") }, []string{"save", "header 200 with cookie"}},
		{"write nothing", func(w http.ResponseWriter) { w.Write(nil) }, []string{"save", "header 200 with cookie"}},
		{"write string", func(w http.ResponseWriter) { io.WriteString(w, "x") }, []string{"save", "header 200 with cookie"}},
		{"status", func(w http.ResponseWriter) { w.WriteHeader(404) }, []string{"save", "header 404 with cookie"}},
		{"not modified", func(w http.ResponseWriter) { w.WriteHeader(304) }, []string{"save", "header 304 with cookie"}},
		{"switching", func(w http.ResponseWriter) { w.WriteHeader(101) }, []string{"save", "header 101 with cookie"}},
		{"early hints", func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(200) },
			[]string{"header 103", "save", "header 200 with cookie"}},
		{"flush", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, []string{"save", "flush with cookie"}},
		{"controller", func(w http.ResponseWriter) { http.NewResponseController(w).Flush() }, []string{"save", "flush with cookie"}},
		{"copy", func(w http.ResponseWriter) { w.(io.ReaderFrom).ReadFrom(strings.NewReader("x")) },
			[]string{"save", "header 200 with cookie"}},
		{"redirect", func(w http.ResponseWriter) { w.Header().Set("Location", "/x"); w.WriteHeader(303) },
			[]string{"save", "header 303 with cookie"}},
	} {
		store := watch(session.NewMemoryStore(nil))
		w := &wire{header: make(http.Header)}
		store.on(func(_ context.Context, verb string) error { w.note(verb); return nil })
		s := newSite(t, store, session.Options{})
		s.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			must(t, counter.Set(session.From(r), 1))
			c.first(w)
		})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if !slices.Equal(w.events, c.want) {
			t.Errorf("%s: %q, want %q", c.name, w.events, c.want)
		}
		if w.header["Set-Cookie"] == nil || s.stored() != 1 {
			t.Errorf("%s: cookie %q, %d stored", c.name, w.header["Set-Cookie"], s.stored())
		}
	}
}

// A hijacked connection may not send our header: what an existing session has is saved before, a
// new one is not stored, and that is logged.
func TestRequestRule4Hijack(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	hijack := func(r *http.Request) *wire {
		w := &wire{header: make(http.Header)}
		v.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := counter.Get(session.From(r))
			must(t, counter.Set(session.From(r), n+1))
			_, _, err := w.(http.Hijacker).Hijack()
			must(t, err)
		})).ServeHTTP(w, r)
		return w
	}
	w := hijack(v.request())
	if w.header["Set-Cookie"] != nil || v.stored() != 0 || !slices.Equal(w.events, []string{"hijack"}) {
		t.Errorf("new session: %v, %d stored", w, v.stored())
	}
	if n := strings.Count(v.logs.String(), "level=WARN"); n != 1 || !strings.Contains(v.logs.String(), "token cannot be sent") {
		t.Errorf("logged %q", v.logs)
	}
	v.set(1)
	hijack(v.request())
	if n := v.count(); n != 2 {
		t.Errorf("counter is %d, want 2", n)
	}
}

// wire is a server's side of a response; it notes what happens in which order.
type wire struct {
	header http.Header
	body   bytes.Buffer
	status int
	events []string
}

func (w *wire) note(event string) { w.events = append(w.events, event) }

func (w *wire) cookie() string {
	if w.header["Set-Cookie"] == nil {
		return ""
	}
	return " with cookie"
}

func (w *wire) Header() http.Header { return w.header }

func (w *wire) WriteHeader(status int) {
	w.note(fmt.Sprint("header ", status, w.cookie()))
	if w.status < 200 {
		w.status = status
	}
}

func (w *wire) Write(p []byte) (int, error) {
	if w.status < 200 {
		w.WriteHeader(200)
	}
	return w.body.Write(p)
}

func (w *wire) Flush() { w.note("flush" + w.cookie()) }

func (w *wire) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.note("hijack" + w.cookie())
	return nil, nil, nil
}

// Rule 4: a failed save turns the response into the ErrorHandler's; nothing of the handler's
// follows, and nothing more is saved.
func TestRequestRule4FailedSave(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	var got error
	v := newSite(t, store, session.Options{ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
		got = err
		if _, ok := session.FromContext(r.Context()); ok {
			t.Error("the ErrorHandler's request has a session")
		}
		w.Header().Set("Cache-Control", "public, max-age=60") // as if it were a page
		w.WriteHeader(http.StatusInsufficientStorage)
		fmt.Fprint(w, "sorry")
	}}).visitor()
	v.set(1)
	full := fmt.Errorf("disk: %w", session.ErrFull)
	store.fail("save", 1, full)
	res := v.visit(func(w http.ResponseWriter, r *http.Request) {
		must(t, counter.Set(session.From(r), 2))
		h := w.Header()
		h.Set("Content-Length", "1000")
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", `"1"`)
		h.Set("X-Frame-Options", "DENY")
		if _, err := fmt.Fprint(w, "welcome"); err == nil {
			t.Error("Write returned no error")
		}
		fmt.Fprint(w, "welcome")
		w.(http.Flusher).Flush()
	})
	body, _ := io.ReadAll(res.Body)
	wantErr(t, "ErrorHandler", got, session.ErrFull)
	if res.StatusCode != http.StatusInsufficientStorage || string(body) != "sorry" {
		t.Errorf("%d %q", res.StatusCode, body)
	}
	want := http.Header{"X-Frame-Options": {"DENY"}, "Vary": {"Cookie"}, "Cache-Control": {"max-age=60, private"}}
	res.Header.Del("Content-Type")
	if fmt.Sprint(res.Header) != fmt.Sprint(want) {
		t.Errorf("header %v, want %v", res.Header, want)
	}
	if n := v.count(); n != 1 {
		t.Errorf("counter is %d: what the client was told to try again is stored", n)
	}
	if logs := v.logs.String(); strings.Count(logs, "level=ERROR") != 1 || strings.Contains(logs, "level=WARN") {
		t.Errorf("logged %q, want one error", logs)
	}
}

// An ErrorHandler that writes nothing leaves it to the default one.
func TestRequestRule4SilentErrorHandler(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	v := newSite(t, store, session.Options{ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}}).visitor()
	v.set(1)
	for _, verb := range []string{"save", "get"} {
		store.fail(verb, -1, errors.New("broken"))
		res := v.visit(func(_ http.ResponseWriter, r *http.Request) { must(t, counter.Set(session.From(r), 2)) })
		if res.StatusCode != 503 || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Vary") != "Cookie" {
			t.Errorf("%s failed: status %d, header %v", verb, res.StatusCode, res.Header)
		}
	}
}
