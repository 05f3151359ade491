package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/boltsession/session"
)

// newServer serves a shop with sessions in memory.
func newServer(t *testing.T) *httptest.Server {
	t.Helper()
	sh, err := newShop(session.NewMemoryStore(nil))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sh.handler())
	t.Cleanup(func() {
		sh.hub.close()
		srv.Close()
	})
	return srv
}

// browser is a client that keeps cookies and says who made it.
type browser struct {
	t      *testing.T
	srv    *httptest.Server
	client *http.Client
	ua     string
}

const (
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
)

func newBrowser(t *testing.T, srv *httptest.Server, ua string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, srv: srv, client: &http.Client{Jar: jar}, ua: ua}
}

// do sends a request and follows where the answer leads.
func (b *browser) do(method, path string, form url.Values, header ...string) *http.Response {
	b.t.Helper()
	req, err := http.NewRequest(method, b.srv.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", b.ua)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// page returns the status and the text of what a request leads to.
func (b *browser) page(method, path string, form url.Values, header ...string) (int, string) {
	b.t.Helper()
	resp := b.do(method, path, form, header...)
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func (b *browser) get(path string) string {
	b.t.Helper()
	status, body := b.page("GET", path, nil)
	if status != http.StatusOK {
		b.t.Errorf("GET %s: status %d", path, status)
	}
	return body
}

func (b *browser) post(path string, fields ...string) string {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	status, body := b.page("POST", path, form)
	if status != http.StatusOK {
		b.t.Errorf("POST %s: status %d\n%s", path, status, body)
	}
	return body
}

func (b *browser) login(user string) string {
	b.t.Helper()
	return b.post("/login", "user", user, "password", "demo")
}

// token returns the cookie's value.
func (b *browser) token() string {
	u, _ := url.Parse(b.srv.URL)
	for _, c := range b.client.Jar.Cookies(u) {
		return c.Value
	}
	return ""
}

func want(t *testing.T, page, text string) {
	t.Helper()
	if !strings.Contains(page, text) {
		t.Errorf("the page does not say %q:\n%s", text, page)
	}
}

func wantNot(t *testing.T, page, text string) {
	t.Helper()
	if strings.Contains(page, text) {
		t.Errorf("the page says %q:\n%s", text, page)
	}
}

// events reads a stream of server-sent events.
type events struct {
	t     *testing.T
	lines *bufio.Scanner
}

func newEvents(t *testing.T, b *browser) *events {
	t.Helper()
	resp := b.do("GET", "/events", nil)
	if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Fatalf("GET /events: %d %s", resp.StatusCode, ct)
	}
	return &events{t, bufio.NewScanner(resp.Body)}
}

// next returns the next event and its data, "" at the end of the stream.
func (e *events) next() string {
	e.t.Helper()
	name := ""
	for e.lines.Scan() {
		if n, ok := strings.CutPrefix(e.lines.Text(), "event: "); ok {
			name = n
		}
		if data, ok := strings.CutPrefix(e.lines.Text(), "data: "); ok {
			return name + " " + data
		}
	}
	return ""
}

func (e *events) want(event string) {
	e.t.Helper()
	if got := e.next(); got != event {
		e.t.Fatalf("got event %q, want %q", got, event)
	}
}

// wantLast reads up to the end, where the last event has to be this one.
func (e *events) wantLast(event string) {
	e.t.Helper()
	last := ""
	for got := e.next(); got != ""; got = e.next() {
		last = got
	}
	if last != event {
		e.t.Fatalf("the last event is %q, want %q", last, event)
	}
}
