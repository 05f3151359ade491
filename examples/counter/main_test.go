package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/boltsession/session"
)

// newServer serves the routes with sessions in memory.
func newServer(t *testing.T) *httptest.Server {
	t.Helper()
	sessions, err := session.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sessions.Handler(routes()))
	t.Cleanup(srv.Close)
	return srv
}

// newBrowser returns a client that keeps cookies.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// get returns the status and the body of a page.
func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func wantPage(t *testing.T, c *http.Client, url, want string) {
	t.Helper()
	if status, got := get(t, c, url); status != http.StatusOK || got != want {
		t.Errorf("got %d %q, want %q", status, got, want)
	}
}

func TestCounts(t *testing.T) {
	srv := newServer(t)
	anna, ben := newBrowser(t), newBrowser(t)
	wantPage(t, anna, srv.URL, "views: 1\n")
	wantPage(t, anna, srv.URL, "views: 2\n")
	wantPage(t, ben, srv.URL, "views: 1\n")
	wantPage(t, anna, srv.URL, "views: 3\n")
}

func TestElsewhereIsNothing(t *testing.T) {
	srv := newServer(t)
	browser := newBrowser(t)
	for _, path := range []string{"/favicon.ico", "/x", "/index.html"} {
		if status, _ := get(t, browser, srv.URL+path); status != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", path, status)
		}
	}
	resp, err := browser.Post(srv.URL, "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("POST /: status %d, want 404", resp.StatusCode)
	}
	if resp.Header.Get("Set-Cookie") != "" {
		t.Error("a visit of no page began a session")
	}
}

// TestStops: run ends when it is told to, and the next one goes on where it was.
func TestStops(t *testing.T) {
	db := filepath.Join(privateDir(t), "sessions.db")
	browser := newBrowser(t)
	for _, want := range []string{"views: 1\n", "views: 2\n"} {
		ctx, stop := context.WithCancel(context.Background())
		out, in := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- run(ctx, "localhost:0", db, in) }()
		wantPage(t, browser, announced(t, out), want)
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}

// TestSurvivesKill kills the real program after two views. The third is counted by the next.
func TestSurvivesKill(t *testing.T) {
	dir := privateDir(t)
	bin, db := filepath.Join(dir, "counter"), filepath.Join(dir, "sessions.db")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	browser := newBrowser(t)
	url, kill := start(t, bin, db)
	wantPage(t, browser, url, "views: 1\n")
	wantPage(t, browser, url, "views: 2\n")
	kill()
	url, _ = start(t, bin, db)
	wantPage(t, browser, url, "views: 3\n")
}

// start runs the program. kill is SIGKILL, and waits until it is dead.
func start(t *testing.T, bin, db string) (url string, kill func()) {
	t.Helper()
	cmd := exec.Command(bin, "-addr", "localhost:0", "-db", db)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dead := false
	kill = func() {
		if !dead {
			dead = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	t.Cleanup(kill)
	return announced(t, out), kill
}

// announced reads the address that the program says it listens on.
func announced(t *testing.T, out io.Reader) string {
	t.Helper()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatalf("the program said %q", line)
	}
	// The cookie is bound to the host it came from, the port aside.
	return url
}

// privateDir returns a directory that only this user can write to, as a store's has to be.
func privateDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}
