package session_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/boltsession/session"
)

// TestRequestLoginWithoutRenewalWarns: a forgotten Renew works for a visitor whose session begins
// with the login and for nobody else, so it must not go unseen.
func TestRequestLoginWithoutRenewalWarns(t *testing.T) {
	var log bytes.Buffer
	sessions, err := session.New(session.NewMemoryStore(nil), &session.Options{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	handler := sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		if err := s.Set("seen", true); err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/visit" {
			return
		}
		if err := s.SetUser("anna"); err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/renew" {
			if err := s.Renew(r.Context()); err != nil {
				t.Error(err)
			}
		}
	}))
	for _, tc := range []struct {
		path  string
		warns bool
	}{{"/renew", false}, {"/login", true}} {
		visit := httptest.NewRecorder()
		handler.ServeHTTP(visit, httptest.NewRequest("GET", "/visit", nil))
		r := httptest.NewRequest("GET", tc.path, nil)
		r.AddCookie(visit.Result().Cookies()[0])
		log.Reset()
		handler.ServeHTTP(httptest.NewRecorder(), r)
		if warned := strings.Contains(log.String(), "SetUser without Renew"); warned != tc.warns {
			t.Errorf("%s: warned is %v, want %v: %s", tc.path, warned, tc.warns, &log)
		}
	}
}
