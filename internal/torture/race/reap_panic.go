//go:build linux

package race

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// reapPanics has runs of reapers panic, in a process that may die of it.
func reapPanics(ctx context.Context, t *trial.Trial) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	err = t.Relay(ctx, self, roleReapPanic)
	if err != nil && ctx.Err() == nil {
		t.Fail("%v", err)
		return nil
	}
	return err
}

func playReapPanic(args []string) error {
	return trial.Relayed(roleReapPanic, args, func(ctx context.Context, t *trial.Trial) error {
		if t.Broken {
			return reapWithoutRecover()
		}
		var all sync.WaitGroup
		try := func(f func() error) {
			all.Go(func() {
				if err := f(); err != nil {
					t.Fail("%v", err)
				}
			})
		}
		try(func() error { return panickingStore(t, slog.New(slog.DiscardHandler), "the store panics") })
		try(func() error { return panickingStore(t, slog.New(panickingHandler{}), "the store and the logger panic") })
		try(func() error { return panickingObserver(ctx, t) })
		all.Wait()
		return nil
	})
}

// reapWithoutRecover is a reaper as one would write it: it ends the process.
func reapWithoutRecover() error {
	go func() { _, _ = (&panickingReapable{}).Reap(context.Background()) }()
	time.Sleep(time.Second)
	return errors.New("a panic went unnoticed")
}

// panickingReapable panics in every other run.
type panickingReapable struct{ runs atomic.Int64 }

// Reap implements session.Reapable.
func (p *panickingReapable) Reap(context.Context) (int, error) {
	if p.runs.Add(1)%2 == 1 {
		panic("on purpose")
	}
	return 1, nil
}

// panickingHandler panics whatever it is to log.
type panickingHandler struct{}

func (panickingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingHandler) Handle(context.Context, slog.Record) error { panic("the log, on purpose") }
func (h panickingHandler) WithAttrs([]slog.Attr) slog.Handler      { return h }
func (h panickingHandler) WithGroup(string) slog.Handler           { return h }

// panickingStore waits until a reaper by schedule has run again after runs that panicked.
func panickingStore(t *trial.Trial, log *slog.Logger, what string) error {
	store := &panickingReapable{}
	reaper, err := session.NewReaper(store, "@every 1s", &session.ReaperOptions{Logger: log})
	if err != nil {
		return err
	}
	if !within(10*time.Second, func() bool { return store.runs.Load() >= 4 }) {
		t.Fail("%s: %d runs in 10 s, one a second is due", what, store.runs.Load())
	}
	if n, err := reaper.Reap(context.Background()); n != 1 && err == nil {
		t.Fail("%s: told to run it returned %d, %v", what, n, err)
	}
	if err := reaper.Close(); err != nil {
		return err
	}
	t.Figure("%s: %d runs by schedule, every other one panicked", what, store.runs.Load()-1)
	return nil
}

// panickingObserver has a user's function panic in a run of a BoltStore whose logger panics as well.
// The next runs have to reap the rest.
func panickingObserver(ctx context.Context, t *trial.Trial) error {
	path := filepath.Join(t.Dir, "observer.db")
	store, err := session.Open(path, &session.BoltOptions{Reap: "@every 1s", NoSocket: true, Logger: slog.New(panickingHandler{})})
	if err != nil {
		return err
	}
	var panics atomic.Int64
	store.OnDestroy(func(session.ID, session.Reason) {
		if panics.Add(1) <= 2 {
			panic("an observer, on purpose")
		}
	})
	const sessions = 500 // more than a transaction takes
	for i := range sessions {
		s, err := store.Create(ctx, session.TokenID(fmt.Sprint("observer ", i)))
		if err == nil {
			err = errors.Join(s.SetMaxAge(time.Second), s.Save(ctx))
		}
		if err != nil {
			return err
		}
	}
	if !within(15*time.Second, func() bool { return store.Stats().Sessions == 0 }) {
		t.Fail("an observer panics: %d of %d expired sessions are still there after 15 s", store.Stats().Sessions, sessions)
	}
	t.Figure("an observer panics: %d sessions reaped all the same, %d calls of the observer", sessions-store.Stats().Sessions, panics.Load())
	return store.Close()
}

// within waits for something, at most that long.
func within(limit time.Duration, happened func() bool) bool {
	for deadline := time.Now().Add(limit); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
