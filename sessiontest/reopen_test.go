package sessiontest_test

import (
	"context"
	"maps"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/sessiontest"
)

// shelf keeps the rows of stores that are closed, by directory.
type shelf struct {
	mu   sync.Mutex
	dirs map[string]map[session.ID]row
}

// open opens the store in dir.
func (s *shelf) open(dir string) *faulty {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := newFaulty()
	maps.Copy(f.rows, s.dirs[dir])
	f.close = func() error {
		f.do(context.Background(), func() error { // one step: no save comes between
			s.put(dir, f.rows)
			f.closed = true
			return nil
		})
		return f.fullStore.Close()
	}
	return f
}

func (s *shelf) put(dir string, rows map[session.ID]row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirs == nil {
		s.dirs = make(map[string]map[session.ID]row)
	}
	s.dirs[dir] = maps.Clone(rows)
}

// TestReopenConformance: the store keeps the rules, as long as no fault is planted in it.
func TestReopenConformance(t *testing.T) {
	var s shelf
	sessiontest.TestReopen(t, func(_ *testing.T, dir string) session.Store {
		store := s.open(dir)
		for _, f := range reopenFaults() {
			if f.name == os.Getenv(faultEnv) {
				f.plant(store)
			}
		}
		return store
	})
}

func TestReopenConformanceInBubble(t *testing.T) {
	synctest.Test(t, TestReopenConformance)
}

// reopenFaults are those of a store that forgets.
func reopenFaults() []fault {
	return []fault{
		{"forgets all", []string{"Sessions", "Indexes"}, func(f *faulty) { f.close = f.fullStore.Close }},
		{"forgets values", []string{"Sessions"}, func(f *faulty) {
			for id, r := range f.rows {
				f.rows[id] = row{meta: r.meta}
			}
		}},
		{"forgets ends", []string{"Ended"}, func(f *faulty) {
			destroyed := make(map[session.ID]row)
			f.destroy = func(ctx context.Context, id session.ID) error {
				f.do(ctx, func() error { destroyed[id] = f.rows[id]; return nil })
				return f.fullStore.Destroy(ctx, id)
			}
			f.beforeClose(func() { maps.Copy(f.rows, destroyed) })
		}},
		{"begins anew", []string{"Expired"}, func(f *faulty) {
			for id, r := range f.rows {
				r.meta.LastAccess = time.Now()
				f.rows[id] = r
			}
		}},
		{"forgets touches", []string{"Touched"}, func(f *faulty) {
			f.beforeClose(func() {
				for id, r := range f.rows {
					r.meta.LastAccess = r.meta.Created.Add(time.Hour)
					f.rows[id] = r
				}
			})
		}},
		{"forgets users", []string{"Indexes"}, func(f *faulty) {
			f.byUser = func(context.Context, string) ([]session.Info, error) { return nil, nil }
		}},
		{"Close does not wait", []string{"CloseUnderLoad"}, func(f *faulty) {
			var last session.ID
			save := f.save
			f.save = func(ctx context.Context, s *session.Session) error {
				err := save(ctx, s)
				if err == nil {
					f.do(ctx, func() error { last = s.ID(); return nil })
				}
				return err
			}
			f.beforeClose(func() { delete(f.rows, last) })
		}},
	}
}

// beforeClose has alter called when the store is closed, before it keeps its rows.
func (f *faulty) beforeClose(alter func()) {
	closeIt := f.close
	f.close = func() error {
		f.do(context.Background(), func() error { alter(); return nil })
		return closeIt()
	}
}
