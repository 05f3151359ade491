package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
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

func TestStrangersAreNotStored(t *testing.T) {
	srv := newServer(t)
	b := newBrowser(t, srv, firefox)
	want(t, b.get("/"), "Nothing yet")
	want(t, b.get("/login"), "This is a demo")
	status, body := b.page("POST", "/login", url.Values{"user": {"<b>anna"}, "password": {"wrong"}})
	if status != http.StatusUnauthorized {
		t.Errorf("a wrong password: status %d", status)
	}
	want(t, body, "wrong")
	want(t, body, "&lt;b&gt;anna")
	if b.token() != "" {
		t.Error("a stranger got a cookie")
	}
}

func TestLoginNeedsUserAndPassword(t *testing.T) {
	for _, tt := range []struct {
		user, password string
		fits           bool
	}{
		{"anna", "demo", true},
		{"chris", "demo", true},
		{"anna", "Demo", false},
		{"anna", "", false},
		{"nobody", "demo", false},
		{"", "demo", false},
	} {
		if got := passwordFits(tt.user, tt.password); got != tt.fits {
			t.Errorf("%q with %q: %v", tt.user, tt.password, got)
		}
	}
}

// TestCartSurvivesLogin: the login keeps what the session has, and changes its token.
func TestCartSurvivesLogin(t *testing.T) {
	b := newBrowser(t, newServer(t), firefox)
	b.post("/cart/add", "product", "sencha")
	want(t, b.post("/cart/add", "product", "sencha"), "2 × Sencha")
	before := b.token()
	page := b.login("anna")
	want(t, page, "Welcome, anna.")
	want(t, page, "2 × Sencha")
	want(t, page, "€ 25.00")
	if b.token() == before || before == "" {
		t.Errorf("the login left the token as it was")
	}
	wantNot(t, b.get("/"), "Welcome")
	wantNot(t, b.post("/cart/remove", "product", "sencha"), "× Sencha")

	thief := newBrowser(t, b.srv, firefox)
	_, page = thief.page("GET", "/", nil, "Cookie", "sid="+before)
	wantNot(t, page, "Log out")
}

func TestUnknownProduct(t *testing.T) {
	b := newBrowser(t, newServer(t), firefox)
	status, _ := b.page("POST", "/cart/add", url.Values{"product": {"nothing"}})
	if status != http.StatusBadRequest || b.token() != "" {
		t.Errorf("status %d, token %q", status, b.token())
	}
}

// TestAnotherUserStartsAnew: who logs in over somebody else's session gets none of their things.
func TestAnotherUserStartsAnew(t *testing.T) {
	b := newBrowser(t, newServer(t), firefox)
	b.login("anna")
	b.post("/cart/add", "product", "pot")
	page := b.login("ben")
	want(t, page, "Welcome, ben.")
	wantNot(t, page, "× Teapot")
}

func TestLogout(t *testing.T) {
	b := newBrowser(t, newServer(t), firefox)
	b.login("anna")
	b.post("/cart/add", "product", "pot")
	want(t, b.post("/logout"), "This is a demo")
	page := b.get("/")
	wantNot(t, page, "× Teapot")
	wantNot(t, page, "Log out")
	want(t, b.get("/account"), "This is a demo") // which leads to the login
}

func TestDevices(t *testing.T) {
	srv := newServer(t)
	laptop, phone := newBrowser(t, srv, firefox), newBrowser(t, srv, iphone)
	ben := newBrowser(t, srv, "curl/8\xff<script>")
	laptop.login("anna")
	phone.login("anna")
	ben.login("ben")

	page := laptop.get("/account")
	want(t, page, `Firefox on Linux <span class="tag">this device</span>`)
	want(t, page, "Safari on iPhone")
	wantNot(t, page, "curl")
	want(t, ben.get("/account"), "curl")

	// Nobody ends another user's session, whose ID is no secret.
	ids := regexp.MustCompile(`name="id" value="([0-9a-f]{64})"`).FindAllStringSubmatch(page, -1)
	if len(ids) != 2 {
		t.Fatalf("%d devices in\n%s", len(ids), page)
	}
	want(t, ben.post("/account/end", "id", ids[1][1]), "logged out already")
	want(t, phone.get("/"), "Log out")

	want(t, laptop.post("/account/end", "id", ids[1][1]), "The device is logged out.")
	wantNot(t, phone.get("/"), "Log out")
	want(t, laptop.post("/account/end", "id", ids[0][1]), "This is a demo") // its own
}

// TestEndOthers: an open page of another device learns at once that its session has ended.
func TestEndOthers(t *testing.T) {
	srv := newServer(t)
	laptop, phone := newBrowser(t, srv, firefox), newBrowser(t, srv, iphone)
	laptop.login("anna")
	phone.login("anna")
	events := newEvents(t, phone)
	events.want(`state {"cart":0,"devices":2}`)
	phone.post("/cart/add", "product", "assam")
	events.want(`state {"cart":1,"devices":2}`)

	page := laptop.post("/account/end-others")
	want(t, page, "The other device is logged out.")
	want(t, page, "this device")
	events.wantLast("ended null")
	wantNot(t, phone.get("/"), "Log out")
	want(t, laptop.post("/account/end-others"), "nowhere else")

	late := newEvents(t, phone)
	late.wantLast("ended null")
}

// TestOtherSites: a form on another site does nothing.
func TestOtherSites(t *testing.T) {
	b := newBrowser(t, newServer(t), firefox)
	b.login("anna")
	for _, path := range []string{"/logout", "/account/end-others", "/cart/add", "/login"} {
		status, _ := b.page("POST", path, url.Values{"product": {"pot"}}, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")
		if status != http.StatusForbidden {
			t.Errorf("POST %s from another site: status %d", path, status)
		}
	}
	page := b.get("/")
	want(t, page, "Log out")
	wantNot(t, page, "× Teapot")
}

func TestStatic(t *testing.T) {
	b := newBrowser(t, newServer(t), firefox)
	for path, typ := range map[string]string{"/static/style.css": "text/css", "/static/live.js": "text/javascript"} {
		resp := b.do("GET", path, nil)
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), typ) {
			t.Errorf("GET %s: %d %s", path, resp.StatusCode, resp.Header.Get("Content-Type"))
		}
	}
}

func TestDeviceName(t *testing.T) {
	for ua, want := range map[string]string{
		firefox: "Firefox on Linux",
		iphone:  "Safari on iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0": "Edge on Windows",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Mobile Safari/537.36":               "Chrome on Android",
		"curl/8.14.1": "curl",
		"":            "Unknown device",
	} {
		if got := deviceName(ua); got != want {
			t.Errorf("%q is %q, want %q", ua, got, want)
		}
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

// TestStops: the server shuts down although a page listens.
func TestStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "localhost:0", privateFile(t), in) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, &httptest.Server{URL: strings.TrimSpace(strings.TrimPrefix(line, "listening on "))}, firefox)
	b.login("anna")
	events := newEvents(t, b)
	events.want(`state {"cart":0,"devices":1}`)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := events.next(); got != "" {
		t.Errorf("after the end: %q", got)
	}
}

// privateFile returns a file's name in a directory that only this user can write to, as a store's
// has to be.
func privateFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "sessions.db")
}
