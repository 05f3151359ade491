package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
)

// decorated is a store before another one, as a store that counts or logs calls is.
type decorated struct{ session.Store }

func (d decorated) Unwrap() session.Store { return d.Store }

// TestSaveThroughDecoratedStore: a save by way of a ProxyStore holds the session's save lock
// while it calls a store that is not of this package, and that one calls the store behind it,
// which must not wait for the same lock.
func TestSaveThroughDecoratedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := session.NewProxyStore(func() (session.Store, error) {
			return decorated{session.NewMemoryStore(nil)}, nil
		}, nil)
		defer p.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s, err := p.Create(ctx, session.TokenID("a"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set("k", 1); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(ctx); err != nil {
			t.Fatalf("Save through a decorated store gave %v", err)
		}
		if s.IsDirty() || s.IsNew() {
			t.Error("the session is dirty after it was saved")
		}
		if _, err := p.Get(ctx, s.ID()); err != nil {
			t.Errorf("Get after Save gave %v", err)
		}
	})
}
