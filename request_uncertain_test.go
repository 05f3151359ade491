package session_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/boltsession/session"
)

// uncertain is a store whose writes happen and are said to be uncertain, while it is on.
type uncertain struct {
	*watched
	on bool
}

func (u *uncertain) result(err error) error {
	if u.on && err == nil {
		return fmt.Errorf("sync file: %w", session.ErrUncertain)
	}
	return err
}

func (u *uncertain) Save(ctx context.Context, s *session.Session) error {
	return u.result(u.watched.Save(ctx, s))
}

func (u *uncertain) Renew(ctx context.Context, s *session.Session, to session.ID) error {
	return u.result(u.watched.Renew(ctx, s, to))
}

// A new session that may be stored gets to its client, with the error: no record without a client.
func TestRequestUncertainCreate(t *testing.T) {
	store := &uncertain{watched: watch(session.NewMemoryStore(nil)), on: true}
	v := newSite(t, store, session.Options{}).visitor()
	res := v.visit(func(_ http.ResponseWriter, r *http.Request) { must(t, counter.Set(session.From(r), 1)) })
	store.on = false
	if res.StatusCode != 503 || v.token == "" || v.count() != 1 || v.stored() != 1 {
		t.Errorf("status %d, token %v, counter %d, %d stored", res.StatusCode, v.token != "", v.count(), v.stored())
	}
}

// A renewal that may have happened ends the session: nobody goes on with the old token, and
// nobody has the new one.
func TestRequestUncertainRenewal(t *testing.T) {
	store := &uncertain{watched: watch(session.NewMemoryStore(nil))}
	v := newSite(t, store, session.Options{}).visitor()
	v.set(1)
	old := v.token
	store.on = true
	v.visit(func(_ http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		must(t, s.SetUser("ann"))
		wantErr(t, "Renew", s.Renew(r.Context()), session.ErrUncertain)
		wantErr(t, "Set", counter.Set(s, 2), session.ErrNotFound)
	})
	store.on = false
	if v.token != old || v.user() != "" || v.count() != 0 {
		t.Errorf("same token %v, user %q, counter %d", v.token == old, v.user(), v.count())
	}
}
