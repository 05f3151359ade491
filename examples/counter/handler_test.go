package main

import (
	"net/http/httptest"
	"testing"

	"github.com/boltsession/session/sessiontest"
)

// TestCount tests the handler alone: sessiontest puts a session into the request, which can be
// filled before and looked at after.
func TestCount(t *testing.T) {
	r, s := sessiontest.Request(t, httptest.NewRequest("GET", "/", nil))
	if err := views.Set(s, 41); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	count(w, r)
	if got := w.Body.String(); got != "views: 42\n" {
		t.Errorf("got %q", got)
	}
	if n, _ := views.Get(s); n != 42 {
		t.Errorf("the session has %d views", n)
	}
}
