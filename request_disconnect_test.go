package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
)

// Rule 7: what the session has to do goes on when the client disconnects in the middle of it.
func TestRequestRule7Disconnect(t *testing.T) {
	for _, c := range []struct {
		verb   string
		do     func(*testing.T, *session.Manager, *http.Request)
		moves  bool
		stored int
	}{
		{"save", func(t *testing.T, _ *session.Manager, r *http.Request) { must(t, counter.Set(session.From(r), 2)) }, false, 1},
		{"renew", func(t *testing.T, _ *session.Manager, r *http.Request) { must(t, session.From(r).Renew(r.Context())) }, true, 1},
		{"renew", func(t *testing.T, m *session.Manager, r *http.Request) {
			_, err := m.Generate(r)
			must(t, err)
		}, true, 1},
		{"destroy", func(t *testing.T, _ *session.Manager, r *http.Request) {
			_, err := session.From(r).Destroy(r.Context())
			must(t, err)
		}, true, 0},
		{"destroy", func(t *testing.T, _ *session.Manager, r *http.Request) {
			must(t, session.From(r).Regenerate(r.Context()))
		}, true, 0},
	} {
		store := watch(session.NewMemoryStore(nil))
		v := newSite(t, store, session.Options{}).visitor()
		v.set(1)
		old := v.token
		ctx, disconnect := context.WithCancel(t.Context())
		reached := 0
		store.on(func(ctx context.Context, verb string) error {
			if verb != c.verb {
				return nil
			}
			reached++
			disconnect()
			if _, ok := ctx.Deadline(); !ok {
				t.Errorf("%s: waits without end", verb)
			}
			return ctx.Err()
		})
		v.keep(v.serve(v.request().WithContext(ctx), func(_ http.ResponseWriter, r *http.Request) { c.do(t, v.m, r) }))
		if reached != 1 || v.stored() != c.stored || (v.token != old) != c.moves {
			t.Errorf("%s: reached the store %d times, %d stored, moved %v", c.verb, reached, v.stored(), v.token != old)
		}
	}
}

// A client that is gone before its session is loaded is no error of the app's.
func TestRequestRule7DisconnectBefore(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	ctx, disconnect := context.WithCancel(t.Context())
	disconnect()
	res := v.serve(v.request().WithContext(ctx), func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") })
	if res.StatusCode != 503 || strings.Contains(v.logs.String(), "ERROR") {
		t.Errorf("status %d, logged %q", res.StatusCode, v.logs)
	}
	v.serve(v.site.visitor().request().WithContext(ctx), func(_ http.ResponseWriter, r *http.Request) {
		must(t, counter.Set(session.From(r), 1)) // a new session needs no loading, and is saved
	})
	if v.stored() != 2 {
		t.Errorf("%d stored, want 2", v.stored())
	}
}

// A load that fails is answered by the ErrorHandler, and logged once.
func TestRequestRule7FailedLoad(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	v := newSite(t, store, session.Options{}).visitor()
	v.set(1)
	store.fail("get", 1, session.ErrFailed)
	res := v.visit(func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") })
	if res.StatusCode != 503 || strings.Count(v.logs.String(), "level=ERROR") != 1 {
		t.Errorf("status %d, logged %q", res.StatusCode, v.logs)
	}
	if v.count() != 1 {
		t.Error("the failure stays")
	}
}

// A store that never answers holds up a response for half a minute.
func TestRequestRule7Patience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := watch(session.NewMemoryStore(nil))
		v := newSite(t, store, session.Options{}).visitor()
		v.set(1)
		store.on(func(ctx context.Context, verb string) error {
			if verb != "save" {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		start := time.Now()
		res := v.visit(func(_ http.ResponseWriter, r *http.Request) { must(t, counter.Set(session.From(r), 2)) })
		if took := time.Since(start); res.StatusCode != 503 || took != 30*time.Second {
			t.Errorf("status %d after %v", res.StatusCode, took)
		}
	})
}

// Rule 7: a panic saves nothing further, releases the session and goes on.
func TestRequestRule7Panic(t *testing.T) {
	store := watch(session.NewMemoryStore(nil))
	v := newSite(t, store, session.Options{}).visitor()
	v.set(1)
	var kept *session.Session
	panics(t, http.ErrAbortHandler.Error(), func() {
		v.visit(func(_ http.ResponseWriter, r *http.Request) {
			kept = session.From(r)
			must(t, counter.Set(kept, 2))
			panic(http.ErrAbortHandler)
		})
	})
	wantErr(t, "Set", counter.Set(kept, 3), session.ErrReleased)
	v.saveBeside(4)
	if n := v.count(); n != 4 {
		t.Errorf("counter is %d, want 4", n)
	}
	if !strings.Contains(v.logs.String(), "changes discarded") {
		t.Errorf("logged %q", v.logs)
	}
}

// Rule 7: a handle is of no use after its request.
func TestRequestRule7Released(t *testing.T) {
	v := newSite(t, nil, session.Options{}).visitor()
	v.set(1)
	var used, fresh, unused *http.Request
	v.visit(func(_ http.ResponseWriter, r *http.Request) { used = r; session.From(r) })
	v.site.visitor().visit(func(_ http.ResponseWriter, r *http.Request) { fresh = r; session.From(r) })
	v.site.visitor().visit(func(_ http.ResponseWriter, r *http.Request) { unused = r })
	for name, r := range map[string]*http.Request{"used": used, "new": fresh, "never used": unused} {
		s, ctx := session.From(r), t.Context()
		_, updateErr := counter.Update(s, func(n int) int { return n + 1 })
		_, destroyErr := s.Destroy(ctx)
		_, generateErr := v.m.Generate(r)
		for verb, err := range map[string]error{
			"Set": counter.Set(s, 2), "Update": updateErr, "SetUser": s.SetUser("eve"), "Save": s.Save(ctx), "Renew": s.Renew(ctx),
			"Regenerate": s.Regenerate(ctx), "Destroy": destroyErr, "Generate": generateErr,
		} {
			wantErr(t, name+": "+verb, err, session.ErrReleased)
		}
	}
	if n := v.count(); n != 1 || v.stored() != 1 {
		t.Errorf("counter is %d, %d stored", n, v.stored())
	}
}

// http.TimeoutHandler inside of us abandons its handler, which goes on with a released handle.
func TestRequestRule7TimeoutHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newSite(t, nil, session.Options{}).visitor()
		v.set(1)
		var late error
		over := make(chan struct{})
		slow := http.TimeoutHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			defer close(over)
			s := session.From(r)
			time.Sleep(time.Hour)
			late = errors.Join(counter.Set(s, 2), s.Renew(r.Context()))
		}), time.Minute, "too slow")
		res := v.visit(slow.ServeHTTP)
		<-over
		wantErr(t, "late", late, session.ErrReleased)
		if res.StatusCode != 503 || v.count() != 1 {
			t.Errorf("status %d, counter %d", res.StatusCode, v.count())
		}
	})
}
