package session

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var errSave = errors.New("save failed")

// testHook is a hook that sets a cookie, and fails with err if that is set.
type testHook struct {
	header http.Header
	err    error

	mu       sync.Mutex
	statuses []int
}

func (h *testHook) before(status int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.statuses = append(h.statuses, status)
	if h.err == nil {
		h.header.Add("Set-Cookie", "sid=new")
	}
	return h.err
}

func (h *testHook) fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}

// hookedResult is what a request to a handler behind the response got.
type hookedResult struct {
	status int
	header http.Header
	body   string
	hook   *testHook
	hints  []http.Header // of responses with status 103
}

// serve runs handler on a real server with a hook that returns saveErr.
func serveHooked(t *testing.T, saveErr error, handler http.HandlerFunc) hookedResult {
	t.Helper()
	hook := &testHook{err: saveErr}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hook.header = w.Header()
		response := newResponse(w, hook)
		handler(wrapResponse(response), r)
		response.finish()
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // superfluous WriteHeader calls
	server.Start()
	defer server.Close()

	got := hookedResult{hook: hook}
	req, err := http.NewRequest("GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req = req.WithContext(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			got.hints = append(got.hints, http.Header(h).Clone())
			return nil
		},
	}))
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	got.status, got.header, got.body = resp.StatusCode, resp.Header, string(body)
	return got
}

func tempPage(t *testing.T, content string) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// beginnings are the ways in which a handler can begin its response.
var beginnings = []struct {
	name   string
	status int // the hook's and the client's
	body   string
	begin  func(t *testing.T, w http.ResponseWriter, r *http.Request) error
}{
	{"nothing", 200, "", func(*testing.T, http.ResponseWriter, *http.Request) error { return nil }},
	{"Write", 200, "page", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write([]byte("page"))
		return err
	}},
	{"empty Write", 200, "", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(nil)
		return err
	}},
	{"WriteString", 200, "page", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := w.(io.StringWriter).WriteString("page")
		return err
	}},
	{"WriteHeader", 404, "page", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(404)
		_, err := io.WriteString(w, "page")
		return err
	}},
	{"WriteHeader twice", 201, "page", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(201)
		w.WriteHeader(500)
		_, err := io.WriteString(w, "page")
		return err
	}},
	{"no content", 204, "", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(204)
		return nil
	}},
	{"Redirect", 303, "<a href=\"/login\">See Other</a>.\n\n", func(_ *testing.T, w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return nil
	}},
	{"Flush", 200, "page", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		w.(http.Flusher).Flush()
		_, err := io.WriteString(w, "page")
		return err
	}},
	{"ResponseController", 200, "page", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		err := http.NewResponseController(w).Flush()
		_, err2 := io.WriteString(w, "page")
		return errors.Join(err, err2)
	}},
	{"io.Copy from a file", 200, "page", func(t *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := io.Copy(w, tempPage(t, "page"))
		return err
	}},
	{"io.Copy from a reader", 200, "page", func(_ *testing.T, w http.ResponseWriter, _ *http.Request) error {
		_, err := io.Copy(w, io.MultiReader(strings.NewReader("pa"), strings.NewReader("ge")))
		return err
	}},
	{"ServeContent", 200, "page", func(t *testing.T, w http.ResponseWriter, r *http.Request) error {
		http.ServeContent(w, r, "page.txt", time.Unix(1e9, 0), tempPage(t, "page"))
		return nil
	}},
}

func TestResponseSavesBeforeItBegins(t *testing.T) {
	for _, b := range beginnings {
		t.Run(b.name, func(t *testing.T) {
			got := serveHooked(t, nil, func(w http.ResponseWriter, r *http.Request) {
				if err := b.begin(t, w, r); err != nil {
					t.Error(err)
				}
			})
			if got.status != b.status || got.body != b.body {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, b.status, b.body)
			}
			if cookies := got.header["Set-Cookie"]; !slices.Equal(cookies, []string{"sid=new"}) {
				t.Errorf("cookies %q", cookies)
			}
			if !slices.Equal(got.hook.statuses, []int{b.status}) {
				t.Errorf("hook got %v, want %d once", got.hook.statuses, b.status)
			}
		})
	}
}

func TestInformationalStatusesPass(t *testing.T) {
	got := serveHooked(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
	})
	if got.status != 202 || !slices.Equal(got.hook.statuses, []int{202}) {
		t.Errorf("got %d, hook got %v", got.status, got.hook.statuses)
	}
	if len(got.hints) != 2 || got.hints[0].Get("Link") == "" || got.hints[0].Get("Set-Cookie") != "" {
		t.Errorf("hints %v", got.hints)
	}
	if got.header.Get("Set-Cookie") == "" {
		t.Error("no cookie in the final response")
	}
}

func TestImpossibleStatusIsNotSaved(t *testing.T) {
	hook := &testHook{header: http.Header{}}
	response := newResponse(httptest.NewRecorder(), hook)
	defer func() {
		if recover() == nil || len(hook.statuses) != 0 || response.headersSent() {
			t.Errorf("WriteHeader(0) did not panic as net/http's, or ran the hook: %v", hook.statuses)
		}
	}()
	response.WriteHeader(0)
}

// slowHook lets a test look while the hook runs.
type slowHook struct{ started, proceed chan struct{} }

func (h slowHook) before(int) error {
	close(h.started) // panics the second time
	<-h.proceed
	return nil
}

func (slowHook) fail(http.ResponseWriter, error) {}

func TestConcurrentBeginnings(t *testing.T) {
	hook := slowHook{make(chan struct{}), make(chan struct{})}
	recorder := httptest.NewRecorder()
	response := newResponse(recorder, hook)
	if response.headersSent() {
		t.Error("sent before the beginning")
	}
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() { response.finish() })
	}
	<-hook.started
	if !response.headersSent() {
		t.Error("not sent while the hook runs")
	}
	close(hook.proceed)
	done.Wait()
	if got := response.status.Load(); got != 200 {
		t.Errorf("status %d", got)
	}
}

func TestResponsesNest(t *testing.T) {
	recorder := httptest.NewRecorder()
	outer, inner := &testHook{header: recorder.Header()}, &testHook{header: recorder.Header()}
	response := newResponse(wrapResponse(newResponse(recorder, outer)), inner)
	if err := http.NewResponseController(wrapResponse(response)).Flush(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(inner.statuses, outer.statuses, recorder.Flushed); got != "[200] [200] true" {
		t.Errorf("hooks and flush: %s", got)
	}
}
