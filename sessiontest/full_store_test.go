package sessiontest_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// fullStore is a mapStore with all the optional interfaces.
type fullStore struct {
	*mapStore

	mu        sync.Mutex
	observers []*func(session.ID, session.Reason)
}

func newFullStore() *fullStore { return &fullStore{mapStore: newMapStore()} }

func (f *fullStore) Destroy(ctx context.Context, id session.ID) error {
	_, err := f.end(ctx, session.Destroyed, func(other session.ID, _ row) bool { return other == id })
	return err
}

func (f *fullStore) Clear(ctx context.Context) (int, error) {
	return f.end(ctx, session.Cleared, func(session.ID, row) bool { return true })
}

func (f *fullStore) DestroyUser(ctx context.Context, user string, except ...session.ID) (int, error) {
	return f.end(ctx, session.Revoked, func(id session.ID, r row) bool {
		return user != "" && r.meta.User == user && !slices.Contains(except, id)
	})
}

// end ends the sessions that match, and returns how many were not expired.
func (f *fullStore) end(ctx context.Context, why session.Reason, match func(session.ID, row) bool) (n int, err error) {
	var ended []session.ID
	err = f.do(ctx, func() error {
		for id, r := range f.rows {
			if !match(id, r) {
				continue
			}
			if _, live := f.findLocked(id); live {
				n++
			}
			delete(f.rows, id)
			ended = append(ended, id)
		}
		return nil
	})
	f.notify(why, ended...)
	return n, err
}

func (f *fullStore) Reap(ctx context.Context) (int, error) {
	var ended []session.ID
	err := f.do(ctx, func() error {
		for id := range f.rows {
			if _, live := f.findLocked(id); !live {
				delete(f.rows, id)
				ended = append(ended, id)
			}
		}
		return nil
	})
	f.notify(session.Expired, ended...)
	return len(ended), err
}

func (f *fullStore) Touch(ctx context.Context, id session.ID, at time.Time) error {
	return f.do(ctx, func() error {
		if r, ok := f.findLocked(id); ok && at.After(r.meta.LastAccess) {
			r.meta.LastAccess = at
			f.rows[id] = r
		}
		return nil
	})
}

func (f *fullStore) Renew(ctx context.Context, s *session.Session, to session.ID) error {
	var from session.ID
	isNew := s.IsNew()
	err := f.do(ctx, func() error {
		ch := s.Changes()
		next, err := f.mergedLocked(ch)
		if err != nil {
			return err
		}
		if _, ok := f.findLocked(to); ok || to == ch.ID {
			return session.ErrExists
		}
		from = ch.ID
		f.rows[to] = next
		delete(f.rows, from)
		s.Saved(ch)
		return nil
	})
	if err == nil && !isNew {
		f.notify(session.Renewed, from)
	}
	return err
}

func (f *fullStore) ByUser(ctx context.Context, user string) ([]session.Info, error) {
	infos, err := f.list(ctx)
	return slices.DeleteFunc(infos, func(info session.Info) bool { return user == "" || info.User != user }), err
}

func (f *fullStore) OnDestroy(g func(session.ID, session.Reason)) (cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	entry := &g
	f.observers = append(slices.Clone(f.observers), entry)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.observers = slices.DeleteFunc(slices.Clone(f.observers), func(o *func(session.ID, session.Reason)) bool { return o == entry })
	}
}

func (f *fullStore) notify(why session.Reason, ids ...session.ID) {
	f.mu.Lock()
	observers := f.observers
	f.mu.Unlock()
	for _, id := range ids {
		for _, o := range observers {
			(*o)(id, why)
		}
	}
}
