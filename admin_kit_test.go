package session_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

var quiet = slog.New(slog.DiscardHandler)

// shortDir returns a directory whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// overSocket returns a backend that asks b over a socket.
func overSocket(t *testing.T, b admin.Backend) admin.Backend {
	t.Helper()
	path := filepath.Join(shortDir(t), "x.sock")
	server, err := admin.Serve(path, b, quiet)
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	client, err := admin.Dial(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	return client
}

// adminStores are the stores that backends are tested over.
var adminStores = map[string]func(*testing.T) session.Store{
	"memory": func(t *testing.T) session.Store {
		store := session.NewMemoryStore(&session.MemoryOptions{ReapInterval: -1})
		t.Cleanup(func() { must(t, store.Close()) })
		return store
	},
	"bolt": func(t *testing.T) session.Store {
		return openBolt(t, filepath.Join(t.TempDir(), "sessions.db"), &session.BoltOptions{
			Reap: session.Never, NoSocket: true, Logger: quiet,
		})
	},
}

// eachBackend runs a test over each store, asked directly and over a socket: both have to do the
// same.
func eachBackend(t *testing.T, f func(t *testing.T, store session.Store, b admin.Backend)) {
	for name, open := range adminStores {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			f(t, store, session.NewAdminBackend(store))
		})
		t.Run(name+" over a socket", func(t *testing.T) {
			store := open(t)
			f(t, store, overSocket(t, session.NewAdminBackend(store)))
		})
	}
}

const (
	visits session.Key[int]    = "visits"
	apples session.Key[int]    = "apples"
	secret session.Key[string] = "secret"
)

// putSession stores a session of a user, with a cart unless he is nobody, and returns its ID.
func putSession(t *testing.T, store session.Store, token, user string) session.ID {
	t.Helper()
	s, err := store.Create(t.Context(), session.TokenID(token))
	must(t, err)
	must(t, visits.Set(s, 7))
	must(t, s.SetUser(user))
	if user != "" {
		cart, err := s.Component(t.Context(), "cart")
		must(t, err)
		must(t, apples.Set(cart, 3))
	}
	must(t, s.Save(t.Context()))
	return s.ID()
}

// listed returns the IDs that a list has, in no order, and how it ended.
func listed(ctx context.Context, b admin.Backend, f admin.Filter) (ids map[string]admin.Session, err error) {
	ids = map[string]admin.Session{}
	for s, err := range b.List(ctx, f) {
		if err != nil {
			return ids, err
		}
		ids[s.ID] = s
	}
	return ids, nil
}

// held returns a handle on a live session, as a request under way has it.
func held(t *testing.T, store session.Store, id session.ID) *session.Session {
	t.Helper()
	m, err := session.New(store, &session.Options{Logger: quiet})
	must(t, err)
	s, release, err := m.Store().Acquire(t.Context(), id)
	must(t, err)
	t.Cleanup(release)
	return s
}

// isDead fails the test unless the session ended for a handle.
func isDead(t *testing.T, s *session.Session) {
	t.Helper()
	select {
	case <-s.Done():
	default:
		t.Error("Done is not closed")
	}
	wantErr(t, "Set", visits.Set(s, 8), session.ErrNotFound)
}
