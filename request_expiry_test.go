package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
)

// Idle and absolute expiry are exact, and need no reaping (web.py's flaw).
func TestRequestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := session.Options{Lifetime: 24 * time.Hour}
		v := newSite(t, session.NewMemoryStore(&session.MemoryOptions{ReapInterval: -1}), opts).visitor()
		v.set(1)
		began := time.Now()
		for range 6 { // a second before it is too late, each time
			time.Sleep(4*time.Hour - time.Second)
			if v.count() != 1 {
				t.Fatal("not served 3h59m59s after the last request")
			}
		}
		time.Sleep(time.Until(began.Add(24*time.Hour - time.Second)))
		if v.count() != 1 {
			t.Fatal("not served a second before its lifetime ends")
		}
		time.Sleep(time.Second)
		if v.count() != 0 {
			t.Fatal("served at the end of its lifetime")
		}
		v.set(1)
		time.Sleep(4 * time.Hour)
		if v.count() != 0 {
			t.Fatal("served 4h after the last request")
		}
	})
}

// A request during which the session expires, unlike its token, is a stranger's from then on.
func TestRequestExpiryDuringRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t, nil, session.Options{}).visitor()
		v.set(1)
		token := v.token
		v.visit(func(_ http.ResponseWriter, r *http.Request) {
			time.Sleep(5 * time.Hour)
			wantErr(t, "Set after expiry", counter.Set(session.From(r), 2), session.ErrNotFound)
		})
		if v.token != token || v.count() != 0 {
			t.Error("the expired session came back")
		}
	})
}
