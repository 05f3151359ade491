package session

import (
	"log/slog"
	"net/http"
)

// refuse answers a request whose session could not be loaded. That its client has gone away is
// nothing to be alarmed at.
func (m *Manager) refuse(w http.ResponseWriter, r *http.Request, err error) {
	level := slog.LevelError
	if r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	m.log.Log(r.Context(), level, "session: loading the session", "error", err)
	m.answer(w, r, err)
}

// answer has the ErrorHandler answer, or the default one if it does not. Whatever it says of
// caching, shared caches get nothing that is one client's.
func (m *Manager) answer(w http.ResponseWriter, r *http.Request, err error) {
	answer := newResponse(w, uncached{w.Header(), m.transport.Vary()})
	out := wrapResponse(answer)
	m.onError(out, r, err)
	if !answer.headersSent() {
		answerUnavailable(out, r, err)
	}
}

// uncached is the hook of an error message.
type uncached struct {
	header http.Header
	vary   string
}

func (u uncached) before(int) error {
	protectCaching(u.header, u.vary)
	return nil
}

func (u uncached) fail(http.ResponseWriter, error) {}

// answerUnavailable is the default ErrorHandler.
func answerUnavailable(w http.ResponseWriter, _ *http.Request, _ error) {
	http.Error(w, "The session is not available at the moment. Please try again.", http.StatusServiceUnavailable)
}
