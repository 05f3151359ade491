package session_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
)

// Rule 9: whatever a handler does first with a server's ResponseWriter, either the cookie comes or
// the failure is reported, and data of a known session is kept.
func TestRequestRule9(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, []byte("content"), 0o600))
	for name, first := range map[string]func(*testing.T, http.ResponseWriter, *http.Request){
		"write":       func(_ *testing.T, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "content") },
		"flush":       func(_ *testing.T, w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"early hints": func(_ *testing.T, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) },
		"file":        func(_ *testing.T, w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) },
		"redirect": func(_ *testing.T, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/x", http.StatusSeeOther)
		},
		"controller flush": func(t *testing.T, w http.ResponseWriter, _ *http.Request) {
			must(t, http.NewResponseController(w).Flush())
		},
		"controller deadlines": func(t *testing.T, w http.ResponseWriter, _ *http.Request) {
			c := http.NewResponseController(w)
			must(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
			must(t, c.SetWriteDeadline(time.Now().Add(time.Hour)))
			must(t, c.EnableFullDuplex())
			must(t, c.Flush())
		},
		"read from": func(t *testing.T, w http.ResponseWriter, _ *http.Request) {
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader("content"))
			must(t, err)
		},
		"hijack": func(t *testing.T, w http.ResponseWriter, _ *http.Request) { hijacked(t, w) },
		"deep wrapped": func(t *testing.T, w http.ResponseWriter, _ *http.Request) {
			must(t, http.NewResponseController(wrapper{wrapper{w}}).Flush())
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newSite(t, nil, session.Options{Fingerprint: session.FingerprintNone}).visitor()
			server := httptest.NewServer(v.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n, _ := counter.Get(session.From(r))
				must(t, counter.Set(session.From(r), n+1))
				first(t, w, r)
			})))
			defer server.Close()
			v.fetch(server.URL)
			if reported := strings.Contains(v.logs.String(), "not stored"); (v.token == "") != reported || (name == "hijack") != reported {
				t.Fatalf("cookie %v, failure reported %v", v.token != "", reported)
			}
			if v.token == "" {
				v.set(1)
			}
			v.fetch(server.URL)
			if n := v.count(); n != 2 {
				t.Errorf("counter is %d, want 2", n)
			}
		})
	}
}

type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// hijacked answers without the header that we would have sent, as WebSocket libraries do.
func hijacked(t *testing.T, w http.ResponseWriter) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	rw.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	must(t, rw.Flush())
}

// fetch gets url with the visitor's cookie, and keeps the one that comes.
func (v *visitor) fetch(url string) {
	v.t.Helper()
	r := v.request()
	r.RequestURI = ""
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(url, "http://")
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	must(v.t, err)
	v.keep(res)
}

// Early hints go out at once and count for nothing: a new session may still begin after them.
func TestRequestRule9EarlyHints(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	sent, hinted := make(chan struct{}), false
	server := httptest.NewServer(v.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		<-sent
		must(t, session.From(r).Renew(r.Context()))
		must(t, counter.Set(session.From(r), 1))
	})))
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL, nil)
	must(t, err)
	res, err := http.DefaultClient.Do(r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hinted = code == 103 && h["Set-Cookie"] == nil
			close(sent)
			return nil
		},
	})))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if !hinted || sidOf(res) == nil || v.stored() != 1 {
		t.Errorf("hinted %v, cookie %v, %d stored", hinted, sidOf(res), v.stored())
	}
}

// A stream ends itself when its session has ended.
func TestRequestRule9StreamEnds(t *testing.T) {
	v := newSite(t, nil, session.Options{Fingerprint: session.FingerprintNone}).visitor()
	v.set(1)
	server := httptest.NewServer(v.m.Handler(http.HandlerFunc(stream)))
	defer server.Close()
	r, err := http.NewRequest("GET", server.URL, nil)
	must(t, err)
	r.AddCookie(&http.Cookie{Name: "sid", Value: v.token})
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body := bufio.NewReader(res.Body)
	if line, err := body.ReadString('\n'); line != "data: 1\n" || err != nil {
		t.Fatalf("first event %q, %v", line, err)
	}
	must(t, v.m.Store().Destroy(t.Context(), session.TokenID(v.token)))
	if rest, err := io.ReadAll(body); string(rest) != "event: bye\n" || err != nil {
		t.Errorf("rest %q, %v", rest, err)
	}
}

// stream sends the counter every hour, for as long as the session lives.
func stream(w http.ResponseWriter, r *http.Request) {
	s := session.From(r)
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		n, _ := counter.Get(s)
		fmt.Fprintf(w, "data: %d\n", n)
		w.(http.Flusher).Flush()
		select {
		case <-tick.C:
			s.Touch()
		case <-s.Done():
			fmt.Fprint(w, "event: bye\n")
			return
		case <-r.Context().Done():
			return
		}
	}
}

// A stream keeps its session alive by Touch, and sees what other requests set.
func TestRequestRule9StreamTouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t, nil, session.Options{}).visitor()
		v.set(1)
		ctx, disconnect := context.WithCancel(t.Context())
		over := make(chan *http.Response)
		go func() { over <- v.serve(v.request().WithContext(ctx), stream) }()
		time.Sleep(3*time.Hour + time.Minute)
		v.set(2)
		time.Sleep(9 * time.Hour)
		if n := v.count(); n != 2 {
			t.Errorf("counter is %d after 12 hours of streaming", n)
		}
		disconnect()
		body, _ := io.ReadAll((<-over).Body)
		if want := strings.Repeat("data: 1\n", 4) + strings.Repeat("data: 2\n", 9); string(body) != want {
			t.Errorf("stream %q, want %q", body, want)
		}
		time.Sleep(4 * time.Hour)
		if v.count() != 0 {
			t.Error("the session lives on without the stream")
		}
	})
}

// What a long stream sets after its first flush is stored when it ends.
func TestRequestRule9StreamStores(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	v.visit(func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		must(t, counter.Set(session.From(r), 2))
	})
	if n := v.count(); n != 2 {
		t.Errorf("counter is %d, want 2", n)
	}
}
