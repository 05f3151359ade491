package session

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// TestResponseAfterFailedSave: nothing of the handler's response gets out, whatever it tries.
func TestResponseAfterFailedSave(t *testing.T) {
	silent := []string{"nothing", "no content", "Redirect", "ServeContent"} // they do not look at errors
	for _, b := range beginnings {
		t.Run(b.name, func(t *testing.T) {
			got := serveHooked(t, errSave, func(w http.ResponseWriter, r *http.Request) {
				h := w.Header()
				for _, name := range []string{"Content-Encoding", "Last-Modified", "Accept-Ranges", "Location", "Cache-Control", "Content-Disposition", "Trailer"} {
					h.Set(name, "handler's")
				}
				h["ETag"] = []string{`"v1"`} // net/http's own spelling is Etag
				h.Set("Content-Length", "4")
				h.Set("X-Request-Id", "kept")
				h.Set("Set-Cookie", "theme=dark")
				if err := b.begin(t, w, r); !slices.Contains(silent, b.name) && !errors.Is(err, errReplaced) {
					t.Errorf("error %v, want errReplaced", err)
				}
				w.WriteHeader(http.StatusOK)
				w.WriteHeader(http.StatusEarlyHints)
				if n, err := io.WriteString(w, "more"); n != 0 || err != errReplaced {
					t.Errorf("wrote %d, %v after the failure", n, err)
				}
				src := strings.NewReader("more")
				if n, err := io.Copy(w, struct{ io.Reader }{src}); n != 0 || err != errReplaced || src.Len() != 4 {
					t.Errorf("copied %d, %v after the failure, %d bytes left", n, err, src.Len())
				}
				if err := http.NewResponseController(w).Flush(); err != errReplaced {
					t.Errorf("flushed after the failure: %v", err)
				}
			})
			if got.status != 503 || got.body != "save failed\n" || len(got.hints) != 0 {
				t.Errorf("got %d %q after %d hints", got.status, got.body, len(got.hints))
			}
			want := []string{"Content-Length", "Content-Type", "Date", "Set-Cookie", "X-Content-Type-Options", "X-Request-Id"}
			var names []string
			for name := range got.header {
				names = append(names, name)
			}
			slices.Sort(names)
			if !slices.Equal(names, want) {
				t.Errorf("header %v, want the fields %v", got.header, want)
			}
			if len(got.hook.statuses) != 1 {
				t.Errorf("hook ran for %v", got.hook.statuses)
			}
		})
	}
}

func TestErrorHandlerThatWritesNothing(t *testing.T) {
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Encoding", "gzip") // a middleware around us compresses
	response := newResponse(recorder, silentHook{})
	response.Header().Set("Content-Encoding", "br")
	response.finish()
	if recorder.Code != 500 || recorder.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("got %d %v", recorder.Code, recorder.Header())
	}
}

type silentHook struct{}

func (silentHook) before(int) error { return errSave }

func (silentHook) fail(http.ResponseWriter, error) {}

// panicHook panics in before, or in fail after it wrote.
type panicHook struct{ inFail bool }

func (h panicHook) before(int) error {
	if h.inFail {
		return errSave
	}
	panic("before")
}

func (panicHook) fail(w http.ResponseWriter, _ error) {
	w.WriteHeader(http.StatusInsufficientStorage)
	panic("fail")
}

func TestPanicInHook(t *testing.T) {
	for hook, status := range map[panicHook]int{{}: 500, {inFail: true}: 507} {
		recorder := httptest.NewRecorder()
		response := newResponse(recorder, hook)
		for i := range 2 { // the second write must not panic: it does not run the hook
			func() {
				defer func() {
					if v := recover(); (v != nil) != (i == 0) {
						t.Errorf("write %d: panic %v", i, v)
					}
				}()
				if _, err := response.Write([]byte("secret")); err != errReplaced {
					t.Errorf("write %d: %v", i, err)
				}
			}()
		}
		response.finish()
		if recorder.Code != status || recorder.Body.Len() != 0 {
			t.Errorf("%+v: got %d %q, want %d", hook, recorder.Code, recorder.Body, status)
		}
	}
}
