package session

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// errReplaced is what a handler gets that writes on after its session could not be saved.
var errReplaced = errors.New("session: the session could not be saved, the response is an error message instead")

// statusHijacked is the status of a response whose connection the handler takes over. It writes
// the header itself then, and may or may not include what is in the ResponseWriter's: a
// WebSocket library often does not, httputil.ReverseProxy does.
const statusHijacked = 0

// responseHook is asked before a response begins.
type responseHook interface {
	// before saves the session and puts the cookie into the header. It is called at most once
	// for a response, and must not write to it. With an error the handler's response is given up.
	before(status int) error

	// fail writes the response in place of the handler's, after before returned err. Until then
	// it has been cleared of the header fields that described the handler's body.
	fail(w http.ResponseWriter, err error)
}

// response is a handler's ResponseWriter. It calls its hook once, before the first byte, flush,
// hijack or final status, whatever of them comes first; informational statuses (1xx but 101)
// pass through. What it offers beyond the three methods is up to wrapResponse.
//
// Once the hook has failed, nothing of what the handler writes gets through: writes, flushes and
// hijacks return errReplaced, statuses are ignored.
type response struct {
	w        http.ResponseWriter
	hook     responseHook // nil: none
	can      capabilities
	encoding []string // Content-Encoding before the handler ran

	begun  atomic.Bool
	status atomic.Int32
	once   sync.Once
	failed bool // written in once
}

func newResponse(w http.ResponseWriter, hook responseHook) *response {
	return &response{
		w:        w,
		hook:     hook,
		can:      capabilitiesOf(w),
		encoding: w.Header()["Content-Encoding"],
	}
}

// Header implements http.ResponseWriter.
func (r *response) Header() http.Header { return r.w.Header() }

// WriteHeader implements http.ResponseWriter. It leaves it to the server to complain about
// impossible and superfluous statuses.
func (r *response) WriteHeader(status int) {
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if informational || status < 100 || status > 999 {
		if !r.begun.Load() || r.begin(status) {
			r.w.WriteHeader(status)
		}
		return
	}
	if r.begin(status) {
		r.w.WriteHeader(status)
	}
}

// Write implements io.Writer.
func (r *response) Write(p []byte) (int, error) {
	if !r.begin(http.StatusOK) {
		return 0, errReplaced
	}
	return r.w.Write(p)
}

// WriteString implements io.StringWriter.
func (r *response) WriteString(s string) (int, error) {
	if !r.begin(http.StatusOK) {
		return 0, errReplaced
	}
	return io.WriteString(r.w, s)
}

// ReadFrom implements io.ReaderFrom with the original's, such as net/http's that hands files to
// the kernel, or by copying where it has none. It is not looked for beyond the original: what
// wraps another writer without offering ReadFrom wants to see the bytes.
func (r *response) ReadFrom(src io.Reader) (int64, error) {
	if !r.begin(http.StatusOK) {
		return 0, errReplaced
	}
	return io.Copy(r.w, src)
}

// FlushError sends what is buffered. http.ResponseController looks for it before Unwrap, so
// that its flushes do not get past us either.
func (r *response) FlushError() error {
	if !r.can.has(canFlush) {
		return http.ErrNotSupported
	}
	if !r.begin(http.StatusOK) {
		return errReplaced
	}
	return http.NewResponseController(r.w).Flush()
}

// SetReadDeadline sets the deadline for reading the request. Like the two methods below it
// does what [http.ResponseController] says of it, and returns an error that is
// errors.ErrUnsupported where the original does not offer it.
func (r *response) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(r.w).SetReadDeadline(t)
}

// SetWriteDeadline sets the deadline for writing the response.
func (r *response) SetWriteDeadline(t time.Time) error {
	return http.NewResponseController(r.w).SetWriteDeadline(t)
}

// EnableFullDuplex lets the handler read the request while it writes.
func (r *response) EnableFullDuplex() error {
	return http.NewResponseController(r.w).EnableFullDuplex()
}

// Unwrap returns the original, for http.ResponseController. Who writes to it gets past the hook.
func (r *response) Unwrap() http.ResponseWriter { return r.w }

// headersSent says whether the response has begun, so that no token can be sent any more. It
// is true from when the hook is called, and never waits for it.
func (r *response) headersSent() bool { return r.begun.Load() }

// finish begins the response of a handler that has returned without writing.
func (r *response) finish() { r.begin(http.StatusOK) }

// begin sees to it that the hook has run, and says whether the handler's response may go out.
// Callers on other goroutines wait for the one that runs the hook.
func (r *response) begin(status int) bool {
	r.once.Do(func() {
		r.status.Store(int32(status))
		r.begun.Store(true)
		r.runHook(status)
	})
	return !r.failed
}

// runHook counts as failed until it is through: a hook that panics must neither run again nor
// let the handler's response out as if the session were saved.
func (r *response) runHook(status int) {
	if r.hook == nil {
		return
	}
	r.failed = true
	var instead *response // nil: the hook has not failed by itself
	defer func() {
		if r.failed && (instead == nil || !instead.headersSent()) {
			r.discardBody()
			r.w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	if err := r.hook.before(status); err != nil {
		r.discardBody()
		// A writer of its own, to see whether anything was written. The header is not looked at: until
		// the hook is through, a renewal on another goroutine may put its cookie there.
		instead = &response{w: r.w, can: r.can}
		r.hook.fail(wrapResponse(instead), err)
		return
	}
	r.failed = false
}

// discardBody takes what describes the handler's body, or where it is to be had, out of the
// header. A Content-Encoding from before the handler stays: a middleware around us encodes.
func (r *response) discardBody() {
	h := r.w.Header()
	for name := range h {
		if describesBody(name) {
			delete(h, name)
		}
	}
	if r.encoding != nil {
		h["Content-Encoding"] = r.encoding
	}
}

// describesBody says whether a header field speaks of one response's content or whereabouts
// (RFC 9110, 8, 10.2.2 and 14; RFC 9111; RFC 9530), and so has no place beside another's.
func describesBody(name string) bool {
	switch http.CanonicalHeaderKey(name) {
	case "Accept-Ranges", "Cache-Control", "Content-Digest", "Content-Disposition",
		"Content-Encoding", "Content-Language", "Content-Length", "Content-Location",
		"Content-Md5", "Content-Range", "Content-Type", "Digest", "Etag", "Expires",
		"Last-Modified", "Location", "Refresh", "Repr-Digest", "Trailer":
		return true
	}
	return false
}
