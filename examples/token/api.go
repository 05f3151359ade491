package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/boltsession/session"
)

// tokenHeader is the field that carries the token in requests.
const tokenHeader = "X-AUTH-TOKEN"

const views session.Key[int] = "views"

// api is the handlers of the program.
type api struct{ sessions *session.Manager }

func newHandler(store session.Store) (http.Handler, error) {
	sessions, err := session.New(store, &session.Options{
		Transport: session.Header(tokenHeader),
		// The clients are programs on the move. What they send is checked, where from is not.
		Fingerprint: session.FingerprintUserAgent,
	})
	if err != nil {
		return nil, err
	}
	a := &api{sessions}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("POST /session", a.begin)
	mux.HandleFunc("DELETE /session", a.end)
	mux.HandleFunc("GET /views", a.count)
	return sessions.Handler(mux), nil
}

// begin starts a session, or gives the one that the client has a new token.
func (a *api) begin(w http.ResponseWriter, r *http.Request) {
	token, err := a.sessions.Generate(r)
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(struct {
		Token string `json:"token"`
	}{token})
}

// count counts a view of a client that has a session.
func (a *api) count(w http.ResponseWriter, r *http.Request) {
	n, err := views.Update(session.From(r), func(n int) int { return n + 1 })
	switch {
	case errors.Is(err, session.ErrNoSession), errors.Is(err, session.ErrNotFound):
		http.Error(w, "no session: POST /session, then send its token in "+tokenHeader, http.StatusUnauthorized)
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
	default:
		fmt.Fprintf(w, "views: %d\n", n)
	}
}

// end ends the client's session. Its token opens nothing any more.
func (a *api) end(w http.ResponseWriter, r *http.Request) {
	if _, err := session.From(r).Destroy(r.Context()); err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

//go:embed index.html
var index []byte

// page shows the page whose script uses the API.
func page(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	// Scripts that see the token are ours alone: no other ones run in this page.
	h.Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; script-src 'sha256-"+scriptHash()+"'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.Write(index)
}
