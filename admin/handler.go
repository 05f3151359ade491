package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"os"
	"path/filepath"
)

// Handler returns a handler that does to b what requests say, in the way that [Client] asks.
//
// Whoever reaches it can read, end and forge every session, and write a backup to any path that
// the app may write to. It knows no users: an app that mounts it puts its own authentication
// before it, and strips its prefix:
//
//	mux.Handle("/ops/", adminsOnly(http.StripPrefix("/ops", admin.Handler(backend))))
//
// A page of another site cannot use an administrator's browser to get at it: what changes
// something has to be sent as application/json, which a form cannot and a script may not without
// the leave of CORS, and browsers that say that a request comes from another site are refused.
func Handler(b Backend) http.Handler {
	h := &handler{backend: b, importing: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	for path, f := range map[string]func(*http.Request) (any, error){
		pathHello: h.hello, pathStats: h.stats, pathLength: h.length, pathFind: h.find,
		pathSessions + "/{id}": h.get,
	} {
		route(mux, http.MethodGet, path, answering(f))
	}
	for path, f := range map[string]func(*http.Request) (any, error){
		pathDestroy: h.destroy, pathDestroyUser: h.destroyUser, pathClear: h.clear, pathReap: h.reap,
		pathBackup: h.backup, pathCompact: h.compact, pathImport: h.importAll,
	} {
		route(mux, http.MethodPost, path, answering(f))
	}
	route(mux, http.MethodGet, pathSessions, h.list)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p, _ := problemOf(fmt.Errorf("no such request in this version: %w", errors.ErrUnsupported), 0)
		respond(w, http.StatusNotFound, p)
	})
	return mux
}

// handler answers requests by asking a Backend.
type handler struct {
	backend   Backend
	importing chan struct{} // holds an item while an import is in memory: they are large
}

// route has f serve what comes to a path with the right method and in the right form.
func route(mux *http.ServeMux, method, path string, f http.HandlerFunc) {
	mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
		if err := checkForm(r); err != nil {
			fail(w, r, err, 0)
			return
		}
		f(w, r)
	})
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", method)
		p, _ := problemOf(fmt.Errorf("%w: it has to be a %s", ErrInvalid, method), 0)
		respond(w, http.StatusMethodNotAllowed, p)
	})
}

// checkForm says what is wrong with how a request was sent.
func checkForm(r *http.Request) error {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return fmt.Errorf("%w: it comes from a page of another site", ErrInvalid)
	}
	if r.Method != http.MethodPost {
		if r.ContentLength != 0 {
			return fmt.Errorf("%w: a %s has no body", ErrInvalid, r.Method)
		}
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return fmt.Errorf("%w: the Content-Type has to be application/json", ErrInvalid)
	}
	return nil
}

// answering returns a handler that sends what f returns.
func answering(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer, err := f(r)
		if err != nil {
			done, _ := answer.(countAnswer)
			fail(w, r, err, done.Count)
			return
		}
		respond(w, http.StatusOK, answer)
	}
}

// respond sends JSON.
func respond(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil { // a time beyond the year 9999
		status, body = http.StatusInternalServerError, []byte(`{"error":"the answer is no JSON","code":"internal"}`)
	}
	setHeader(w.Header(), "application/json")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // a client that is gone need not be told
}

func setHeader(h http.Header, contentType string) {
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// fail sends an error, with the number of sessions that were dealt with before it.
func fail(w http.ResponseWriter, r *http.Request, err error, count int) {
	p, status := problemOf(reason(r.Context(), err), count)
	respond(w, status, p)
}

// reason returns why a request was canceled, if that is what err says: not by the client's
// wish, when it hears of it.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) && cause != context.Canceled {
		return cause
	}
	return err
}

// processName names this process for people.
func processName() string {
	name, err := os.Executable()
	if err != nil {
		name = os.Args[0]
	}
	return fmt.Sprintf("pid %d (%s)", os.Getpid(), filepath.Base(name))
}
