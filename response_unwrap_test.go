package session

import (
	"bufio"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// onlyWrites is a ResponseWriter without any extra.
type onlyWrites struct{ http.ResponseWriter }

// onlyUnwraps hides what it wraps but for Unwrap.
type onlyUnwraps struct{ w http.ResponseWriter }

func (o onlyUnwraps) Header() http.Header         { return o.w.Header() }
func (o onlyUnwraps) Write(p []byte) (int, error) { return o.w.Write(p) }
func (o onlyUnwraps) WriteHeader(status int)      { o.w.WriteHeader(status) }
func (o onlyUnwraps) Unwrap() http.ResponseWriter { return o.w }

type flushes struct{ calls *[]string }

func (f flushes) Flush() { *f.calls = append(*f.calls, "flush") }

type flushesWithError struct{ calls *[]string }

func (f flushesWithError) FlushError() error { *f.calls = append(*f.calls, "flush"); return nil }

type hijacks struct{ calls *[]string }

func (h hijacks) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	*h.calls = append(*h.calls, "hijack")
	return nil, nil, nil
}

type pushes struct{ calls *[]string }

func (p pushes) Push(string, *http.PushOptions) error {
	*p.calls = append(*p.calls, "push")
	return nil
}

func TestResponseOffersWhatTheOriginalDoes(t *testing.T) {
	b := onlyWrites{httptest.NewRecorder()}
	var calls []string
	f, fe, h, p := flushes{&calls}, flushesWithError{&calls}, hijacks{&calls}, pushes{&calls}
	tests := []struct {
		name     string
		original http.ResponseWriter
		want     []string
	}{
		{"nothing", b, nil},
		{"flush", struct {
			onlyWrites
			flushes
		}{b, f}, []string{"flush"}},
		{"flush with error", struct {
			onlyWrites
			flushesWithError
		}{b, fe}, []string{"flush"}},
		{"hijack", struct {
			onlyWrites
			hijacks
		}{b, h}, []string{"hijack"}},
		{"push", struct {
			onlyWrites
			pushes
		}{b, p}, []string{"push"}},
		{"HTTP/1", struct {
			onlyWrites
			flushes
			hijacks
		}{b, f, h}, []string{"flush", "hijack"}},
		{"HTTP/2", struct {
			onlyWrites
			flushes
			pushes
		}{b, f, p}, []string{"flush", "push"}},
		{"hijack, push", struct {
			onlyWrites
			hijacks
			pushes
		}{b, h, p}, []string{"hijack", "push"}},
		{"all", struct {
			onlyWrites
			flushes
			hijacks
			pushes
		}{b, f, h, p}, []string{"flush", "hijack", "push"}},
	}
	for _, test := range tests {
		for _, original := range []http.ResponseWriter{test.original, onlyUnwraps{onlyUnwraps{test.original}}} {
			calls = nil
			w := wrapResponse(newResponse(original, nil))
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			if h, ok := w.(http.Hijacker); ok {
				h.Hijack()
			}
			if p, ok := w.(http.Pusher); ok {
				p.Push("/", nil)
			}
			if !slices.Equal(calls, test.want) {
				t.Errorf("%s, %T: reached %q, want %q", test.name, original, calls, test.want)
			}
			if err := http.NewResponseController(w).Flush(); errors.Is(err, errors.ErrUnsupported) == slices.Contains(test.want, "flush") {
				t.Errorf("%s, %T: ResponseController.Flush: %v", test.name, original, err)
			}
			if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); !ok || u.Unwrap() != original {
				t.Errorf("%s, %T: Unwrap does not lead to the original", test.name, original)
			}
		}
	}
}

// TestUnsupportedFlushDoesNotBegin: what sends nothing must not save either.
func TestUnsupportedFlushDoesNotBegin(t *testing.T) {
	hook := &testHook{header: http.Header{}}
	response := newResponse(onlyWrites{httptest.NewRecorder()}, hook)
	if err := response.FlushError(); !errors.Is(err, errors.ErrUnsupported) || response.headersSent() {
		t.Errorf("error %v, hook ran %v", err, hook.statuses)
	}
}

// readsFrom counts the bytes that come by ReadFrom.
type readsFrom struct {
	*httptest.ResponseRecorder
	n *int64
}

func (r readsFrom) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(r.ResponseRecorder, src)
	*r.n += n
	return n, err
}

// TestReadFromDoesNotSkipWrappers: a wrapper that does not offer ReadFrom compresses, say.
func TestReadFromDoesNotSkipWrappers(t *testing.T) {
	var n int64
	original := readsFrom{httptest.NewRecorder(), &n}
	for w, want := range map[http.ResponseWriter]int64{original: 4, onlyUnwraps{original}: 0} {
		n = 0
		original.Body.Reset()
		copied, err := io.Copy(wrapResponse(newResponse(w, nil)), tempPage(t, "page"))
		if err != nil || copied != 4 || n != want || original.Body.String() != "page" {
			t.Errorf("%T: copied %d, %v, of these %d by ReadFrom, want %d", w, copied, err, n, want)
		}
	}
}

func TestDeadlinesReachTheConnection(t *testing.T) {
	got, hook := upgradeDialogue(t, nil, func(w http.ResponseWriter, _ *http.Request) {
		d, ok := w.(interface {
			SetReadDeadline(time.Time) error
			SetWriteDeadline(time.Time) error
			EnableFullDuplex() error
		})
		if !ok {
			t.Error("no deadlines offered")
			return
		}
		if err := errors.Join(d.SetReadDeadline(time.Time{}), d.EnableFullDuplex(), d.SetWriteDeadline(time.Unix(1, 0))); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "page")
		if err := http.NewResponseController(w).Flush(); err == nil {
			t.Error("flushed after the write deadline")
		}
	})
	if got != "" || !slices.Equal(hook.statuses, []int{200}) {
		t.Errorf("got %q, hook got %v", got, hook.statuses)
	}
}

func TestNoDeadlines(t *testing.T) {
	r := newResponse(onlyWrites{httptest.NewRecorder()}, nil)
	for _, err := range []error{r.SetReadDeadline(time.Time{}), r.SetWriteDeadline(time.Time{}), r.EnableFullDuplex()} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("on a writer without deadlines: %v", err)
		}
	}
}

// upgradeDialogue sends one request for an upgrade and returns all that comes back.
func upgradeDialogue(t *testing.T, saveErr error, handler http.HandlerFunc) (string, *testHook) {
	t.Helper()
	hook := &testHook{err: saveErr}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hook.header = w.Header()
		response := newResponse(w, hook)
		handler(wrapResponse(response), r)
		response.finish()
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: app.example\r\nConnection: Upgrade, close\r\nUpgrade: echo\r\n\r\n")
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(all), hook
}

func TestHijack(t *testing.T) {
	takeOver := func(w http.ResponseWriter, say string) error {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.WriteString(conn, say)
		return err
	}
	t.Run("after status 101", func(t *testing.T) {
		got, hook := upgradeDialogue(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Upgrade", "echo")
			w.WriteHeader(http.StatusSwitchingProtocols)
			if err := takeOver(w, "hello"); err != nil {
				t.Error(err)
			}
		})
		if !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.Contains(got, "Set-Cookie: sid=new") || !strings.HasSuffix(got, "hello") {
			t.Errorf("got %q", got)
		}
		if !slices.Equal(hook.statuses, []int{101}) {
			t.Errorf("hook got %v", hook.statuses)
		}
	})
	t.Run("first", func(t *testing.T) {
		got, hook := upgradeDialogue(t, nil, func(w http.ResponseWriter, _ *http.Request) {
			if err := takeOver(w, "hello"); err != nil {
				t.Error(err)
			}
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrHijacked) {
				t.Errorf("write after hijack: %v", err)
			}
		})
		if got != "hello" || !slices.Equal(hook.statuses, []int{statusHijacked}) {
			t.Errorf("got %q, hook got %v", got, hook.statuses)
		}
	})
	t.Run("save failed", func(t *testing.T) {
		got, _ := upgradeDialogue(t, errSave, func(w http.ResponseWriter, _ *http.Request) {
			if err := takeOver(w, "hello"); err != errReplaced {
				t.Errorf("hijacked: %v", err)
			}
		})
		if !strings.HasPrefix(got, "HTTP/1.1 503 ") || strings.Contains(got, "hello") || strings.Contains(got, "Set-Cookie") {
			t.Errorf("got %q", got)
		}
	})
}

func TestResponseOverHTTP2(t *testing.T) {
	hook := &testHook{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hook.header = w.Header()
		response := newResponse(w, hook)
		w = wrapResponse(response)
		if _, ok := w.(http.Hijacker); ok || r.ProtoMajor != 2 {
			t.Errorf("offers to hijack %s", r.Proto)
		}
		if _, ok := w.(http.Pusher); !ok {
			t.Error("does not offer to push")
		}
		w.(http.Flusher).Flush()
		io.WriteString(w, "page")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "page" || resp.Header.Get("Set-Cookie") != "sid=new" {
		t.Errorf("got %q %v, %v", body, resp.Header, err)
	}
}
