package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/boltsession/session"
)

// newServer serves the API with sessions in memory.
func newServer(t *testing.T) *httptest.Server {
	t.Helper()
	h, err := newHandler(session.NewMemoryStore(nil))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// call sends a request with a token, unless that is empty.
func call(t *testing.T, method, url, token string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("X-AUTH-TOKEN", token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// begin gets a token.
func begin(t *testing.T, srv *httptest.Server, old string) string {
	t.Helper()
	resp, body := call(t, "POST", srv.URL+"/session", old)
	var answer map[string]string
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("POST /session: %d %q, %v", resp.StatusCode, body, err)
	}
	if len(answer) != 1 || len(answer["token"]) != 43 {
		t.Fatalf("POST /session answers %q", body)
	}
	if resp.Header.Get("Set-Cookie") != "" {
		t.Error("a cookie was set")
	}
	if cc := resp.Header.Get("Cache-Control"); !strings.Contains(cc, "no-store") {
		t.Errorf("a response with a token has Cache-Control %q", cc)
	}
	return answer["token"]
}

func wantViews(t *testing.T, srv *httptest.Server, token string, status int, body string) {
	t.Helper()
	resp, got := call(t, "GET", srv.URL+"/views", token)
	if resp.StatusCode != status || !strings.HasPrefix(got, body) {
		t.Errorf("GET /views: %d %q, want %d %q", resp.StatusCode, got, status, body)
	}
}

func TestCounts(t *testing.T) {
	srv := newServer(t)
	one, two := begin(t, srv, ""), begin(t, srv, "")
	wantViews(t, srv, one, 200, "views: 1\n")
	wantViews(t, srv, one, 200, "views: 2\n")
	wantViews(t, srv, two, 200, "views: 1\n")
}

func TestNeedsAToken(t *testing.T) {
	srv := newServer(t)
	for _, token := range []string{"", "x", strings.Repeat("A", 43)} {
		wantViews(t, srv, token, 401, "no session")
	}
}

// TestNewToken: a client that asks again keeps its session, under a new token only.
func TestNewToken(t *testing.T) {
	srv := newServer(t)
	old := begin(t, srv, "")
	wantViews(t, srv, old, 200, "views: 1\n")
	renewed := begin(t, srv, old)
	wantViews(t, srv, renewed, 200, "views: 2\n")
	wantViews(t, srv, old, 401, "no session")
}

func TestEnd(t *testing.T) {
	srv := newServer(t)
	token := begin(t, srv, "")
	if resp, body := call(t, "DELETE", srv.URL+"/session", token); resp.StatusCode != http.StatusNoContent {
		t.Errorf("DELETE /session: %d %q", resp.StatusCode, body)
	}
	wantViews(t, srv, token, 401, "no session")
}

// TestPage: the policy allows the script that the page has.
func TestPage(t *testing.T) {
	srv := newServer(t)
	resp, body := call(t, "GET", srv.URL, "")
	if resp.StatusCode != http.StatusOK || strings.Count(body, "<script>") != 1 || !strings.Contains(body, "X-AUTH-TOKEN") {
		t.Errorf("the page: %d\n%s", resp.StatusCode, body)
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, scriptHash()) || strings.Contains(csp, "script-src 'unsafe-inline'") {
		t.Errorf("policy %q", csp)
	}
	if resp, _ := call(t, "GET", srv.URL+"/x", ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("GET /x: %d", resp.StatusCode)
	}
}
