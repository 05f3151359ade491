package admin_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"

	"github.com/boltsession/session/admin"
)

// fake is a Backend that notes what it is asked for.
type fake struct {
	err      error                 // of every call
	n        int                   // what every count is, also with err
	sessions []admin.Session       // what List has, before err
	wait     func(context.Context) // in every call

	mu    sync.Mutex
	calls []string
}

var _ admin.Backend = (*fake)(nil)

func (f *fake) call(ctx context.Context, format string, args ...any) {
	f.mu.Lock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	f.mu.Unlock()
	if f.wait != nil {
		f.wait(ctx)
	}
}

// last returns the last call, and forgets it.
func (f *fake) last() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) == 0 {
		return ""
	}
	last := f.calls[len(f.calls)-1]
	f.calls = nil
	return last
}

func (f *fake) Stats(ctx context.Context) (admin.Stats, error) {
	f.call(ctx, "Stats")
	return admin.Stats{Path: "/x.db", Sessions: f.n}, f.err
}

func (f *fake) Length(ctx context.Context) (int, error) {
	f.call(ctx, "Length")
	return f.n, f.err
}

func (f *fake) List(ctx context.Context, filter admin.Filter) iter.Seq2[admin.Session, error] {
	return func(yield func(admin.Session, error) bool) {
		f.call(ctx, "List %+v", filter)
		for _, s := range f.sessions {
			if !yield(s, nil) {
				return
			}
		}
		if f.err != nil {
			yield(admin.Session{}, f.err)
		}
	}
}

func (f *fake) Get(ctx context.Context, id string) (admin.Session, error) {
	f.call(ctx, "Get %s", id)
	return admin.Session{ID: id}, f.err
}

func (f *fake) Find(ctx context.Context, prefix string, limit int) ([]string, error) {
	f.call(ctx, "Find %q %d", prefix, limit)
	return []string{"1", "2"}, f.err
}

func (f *fake) Destroy(ctx context.Context, ids ...string) (int, error) {
	f.call(ctx, "Destroy %q", ids)
	return f.n, f.err
}

func (f *fake) DestroyUser(ctx context.Context, user string) (int, error) {
	f.call(ctx, "DestroyUser %q", user)
	return f.n, f.err
}

func (f *fake) Clear(ctx context.Context) (int, error) {
	f.call(ctx, "Clear")
	return f.n, f.err
}

func (f *fake) Reap(ctx context.Context) (int, error) {
	f.call(ctx, "Reap")
	return f.n, f.err
}

func (f *fake) Backup(ctx context.Context, path string) error {
	f.call(ctx, "Backup %q", path)
	return f.err
}

func (f *fake) Compact(ctx context.Context) (admin.Compaction, error) {
	f.call(ctx, "Compact")
	return admin.Compaction{Before: 2, After: 1}, f.err
}

func (f *fake) Import(ctx context.Context, replace bool, sessions ...admin.Session) (int, error) {
	f.call(ctx, "Import %v %d", replace, len(sessions))
	return f.n, f.err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
