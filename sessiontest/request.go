package sessiontest

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/boltsession/session"
)

// Request returns r with a new session, and that session, to call a handler with that takes it
// by session.From: what the test sets before, the handler reads, and what the handler does, the
// test sees in s. All of the session works as in a request that came through Manager.Handler,
// over a store of its own in memory: values, Save, Reload, SetUser, Renew, Regenerate, Destroy
// and Done. But nothing is saved unless the handler or the test does it, and nothing is sent:
// no cookie and no Vary come into the response. Manager.Generate does not know the request; to
// test a handler that calls it, and what is sent, wrap the handler in a Manager's Handler.
//
// Call the bare handler: a Manager.Handler in between puts a session of its own into r. As the
// session is new, SetUser takes effect at once, and Renew gives another ID only once it was
// saved; whether a login renews shows through a Manager's Handler and two requests.
//
// The session is new whatever cookies r has. Its handle is released when t ends. r is used as
// it is, a context that is done included. In a bubble of testing/synctest, t is the bubble's.
func Request(t testing.TB, r *http.Request) (*http.Request, *session.Session) {
	t.Helper()
	sessions, err := session.New(nil, &session.Options{
		Transport:   session.Cookie(http.Cookie{Name: "sessiontest-" + rand.Text()}), // r has none of this name
		Fingerprint: session.FingerprintNone,
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("sessiontest.Request: %v", err)
	}
	entered, over, left := make(chan *http.Request), make(chan struct{}), make(chan struct{})
	handler := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- r
		<-over // the session's handle is good until its handler returns
	}))
	go func() {
		defer close(left)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}()
	t.Cleanup(func() {
		close(over)
		<-left
		if err := sessions.Store().Close(); err != nil {
			t.Errorf("sessiontest.Request: closing the store: %v", err)
		}
	})
	select {
	case r := <-entered:
		return r, session.From(r)
	case <-left:
		t.Fatal("sessiontest.Request: the Manager answered by itself")
		return nil, nil
	}
}
