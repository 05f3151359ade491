package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

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
