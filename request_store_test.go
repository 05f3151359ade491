package session_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/boltsession/session"
)

// A store that hands on to another one, and one that embeds another one, see all that is saved.
func TestRequestStoreInFront(t *testing.T) {
	t.Run("field", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { // a save that waits for itself is a deadlock there
			store := watch(session.NewMemoryStore(nil))
			useStoreInFront(t, store, func() int64 { return store.writes.Load() })
		})
	})
	t.Run("embedded", func(t *testing.T) {
		store := &embedding{MemoryStore: session.NewMemoryStore(nil)}
		useStoreInFront(t, store, func() int64 { return store.saves.Load() })
	})
}

func useStoreInFront(t *testing.T, store session.Store, saves func() int64) {
	v := newSite(t, store, session.Options{}).visitor()
	v.set(1)
	v.set(2)
	if n := v.count(); n != 2 {
		t.Errorf("counter is %d, want 2", n)
	}
	if n := saves(); n != 2 {
		t.Errorf("%d saves reached the store in front, want 2", n)
	}
	renewed := v.token
	v.visit(func(_ http.ResponseWriter, r *http.Request) { must(t, session.From(r).Renew(r.Context())) })
	if n := v.count(); n != 2 || v.token == renewed {
		t.Errorf("after Renew: counter %d, same token %v", n, v.token == renewed)
	}
}

type embedding struct {
	*session.MemoryStore
	saves atomic.Int64
}

func (e *embedding) Save(ctx context.Context, s *session.Session) error {
	e.saves.Add(1)
	return e.MemoryStore.Save(ctx, s)
}
