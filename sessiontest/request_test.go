package sessiontest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/sessiontest"
)

const views session.Key[int] = "views"

// countViews is a handler as an app has it.
func countViews(w http.ResponseWriter, r *http.Request) {
	n, err := views.Update(session.From(r), func(n int) int { return n + 1 })
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprint(w, n)
}

func ExampleRequest() {
	test := func(t *testing.T) {
		r, s := sessiontest.Request(t, httptest.NewRequest("GET", "/", nil))
		views.Set(s, 41)
		w := httptest.NewRecorder()
		countViews(w, r)
		if got := w.Body.String(); got != "42" {
			t.Errorf("the page says %s, want 42", got)
		}
	}
	_ = test
}

func TestRequestSharesTheSession(t *testing.T) {
	r, s := sessiontest.Request(t, httptest.NewRequest("GET", "/", nil))
	if session.From(r) != s {
		t.Error("From gives another session than Request")
	}
	if !s.IsNew() {
		t.Error("the session is not new")
	}
	if err := views.Set(s, 41); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	countViews(w, r)
	if got := w.Body.String(); got != "42" {
		t.Errorf("the handler says %s, want 42", got)
	}
	if n, _ := views.Get(s); n != 42 {
		t.Errorf("the test sees %d, want 42", n)
	}
	if len(w.Header()["Set-Cookie"]) > 0 {
		t.Error("a cookie was set")
	}
}

// TestRequestLifecycle: all that a handler does with a session works.
func TestRequestLifecycle(t *testing.T) {
	ctx := t.Context()
	_, s := sessiontest.Request(t, httptest.NewRequest("POST", "/login", nil))
	set := func() {
		t.Helper()
		if err := views.Set(s, 1); err != nil {
			t.Fatalf("Set: %v", err)
		}
	}
	set()
	if err := s.Save(ctx); err != nil || s.IsNew() || s.IsDirty() {
		t.Fatalf("Save gave %v, new %t, dirty %t", err, s.IsNew(), s.IsDirty())
	}
	first := s.ID()
	if err := s.SetUser("anna"); err != nil {
		t.Fatal(err)
	}
	if err := s.Renew(ctx); err != nil || s.ID() == first || s.User() != "anna" {
		t.Fatalf("Renew gave %v, user %q, another ID %t", err, s.User(), s.ID() != first)
	}
	if n, _ := views.Get(s); n != 1 {
		t.Errorf("after Renew the value is %d, want 1", n)
	}
	if err := s.Regenerate(ctx); err != nil || s.User() != "" {
		t.Fatalf("Regenerate gave %v, user %q", err, s.User())
	}
	set()
	if err := s.Save(ctx); err != nil {
		t.Fatalf("Save after Regenerate: %v", err)
	}
	if err := s.Reload(ctx); err != nil {
		t.Fatalf("Reload: %v", err)
	}
	done := s.Done()
	if was, err := s.Destroy(ctx); !was || err != nil {
		t.Fatalf("Destroy gave %t, %v", was, err)
	}
	<-done
	if err := views.Set(s, 2); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Set after Destroy gave %v, want ErrNotFound", err)
	}
}

// TestRequestIsReleased: what outlives its test is told so.
func TestRequestIsReleased(t *testing.T) {
	var s *session.Session
	t.Run("request", func(t *testing.T) {
		_, s = sessiontest.Request(t, httptest.NewRequest("GET", "/", nil))
	})
	if err := views.Set(s, 1); !errors.Is(err, session.ErrReleased) {
		t.Errorf("Set after the test gave %v, want ErrReleased", err)
	}
}

// TestRequestAsItIs: the handler gets the request's method, cookies and context.
func TestRequestAsItIs(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	cancel()
	original := httptest.NewRequestWithContext(ctx, "PUT", "/path?q=1", nil)
	original.AddCookie(&http.Cookie{Name: "sid", Value: "0123456789012345678901234567890123456789abc"})
	r, s := sessiontest.Request(t, original)
	if r.Method != "PUT" || r.URL.RawQuery != "q=1" || r.Context().Value(key{}) != "value" || r.Context().Err() == nil {
		t.Errorf("the request came as %s %s, context %v", r.Method, r.URL, r.Context().Err())
	}
	if _, err := r.Cookie("sid"); err != nil {
		t.Errorf("its cookie: %v", err)
	}
	if !s.IsNew() {
		t.Error("the session is not new")
	}
	if err := views.Set(s, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(r.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("Save with the request's cancelled context gave %v, want context.Canceled", err)
	}
}

func TestRequestInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := sessiontest.Request(t, httptest.NewRequest("GET", "/", nil))
		countViews(httptest.NewRecorder(), r)
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(session.DefaultMaxAge - 1)
		if err := views.Set(s, 2); err != nil {
			t.Errorf("Set just before the session expires: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := views.Set(s, 3); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Set of an expired session gave %v, want ErrNotFound", err)
		}
	})
}
