//go:build linux

package race

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// clockJump is by how much the clock is set.
const clockJump = time.Hour

// reapClock sets the clock of a process by an hour, ahead and back, while its store is used and
// reaped, and sets it right again. Nobody who was not away that long may be logged out for it.
func reapClock(ctx context.Context, t *trial.Trial) error {
	if err := relayWithClock(ctx, t, roleReapClock); err != nil {
		return err
	}
	p := clockTrial{t: t}
	store, err := session.Open(p.path(), &session.BoltOptions{Reap: session.Never, NoSocket: true})
	if err != nil {
		return err
	}
	p.look(ctx, store, "opened again with the right time")
	return store.Close()
}

func playReapClock(args []string) error {
	return trial.Relayed(roleReapClock, args, func(ctx context.Context, t *trial.Trial) error {
		return (&clockTrial{t: t}).run(ctx)
	})
}

// clockTrial is the role whose clock is set.
type clockTrial struct {
	t       *trial.Trial
	store   *session.BoltStore
	skipped atomic.Int64 // runs of the reaper that were logged as skipped
	saves   atomic.Int64
}

func (p *clockTrial) path() string { return filepath.Join(p.t.Dir, "clock.db") }

// Of each kind there are so many sessions. The long ones outlive the hour, the short ones do not.
const clockSessions = 50

func clockID(kind string, i int) session.ID { return session.TokenID(fmt.Sprint(kind, " ", i)) }

func (p *clockTrial) run(ctx context.Context) (err error) {
	p.store, err = session.Open(p.path(), &session.BoltOptions{
		Reap: "@every 2s", SyncEvery: 200 * time.Millisecond, TouchInterval: 100 * time.Millisecond, NoSocket: true, Logger: slog.New(p),
	})
	if err != nil {
		return err
	}
	for i := range clockSessions {
		if err := errors.Join(p.create(ctx, "long", i, 2*clockJump), p.create(ctx, "short", i, clockJump/2)); err != nil {
			return err
		}
	}
	over := make(chan struct{})
	var savers sync.WaitGroup
	for w := range 4 {
		savers.Go(func() { p.keepSaving(ctx, w, over) })
	}
	for _, jump := range []time.Duration{clockJump, -clockJump} {
		if err := p.jump(ctx, jump); err != nil {
			return err
		}
	}
	close(over)
	savers.Wait()
	p.t.Figure("clock set by an hour, ahead and back, %d saves meanwhile; %d runs of the reaper skipped for it", p.saves.Load(), p.skipped.Load())
	return p.store.Close()
}

func (p *clockTrial) create(ctx context.Context, kind string, i int, maxAge time.Duration) error {
	s, err := p.store.Create(ctx, clockID(kind, i))
	if err != nil {
		return err
	}
	return errors.Join(s.SetMaxAge(maxAge), soakValue.Set(s, i), s.Save(ctx))
}

// jump sets the clock wrong, and right again when the reaper has noticed, or had the time to run.
// That the clock is set right after it was behind looks like being set ahead, and is noticed too.
func (p *clockTrial) jump(ctx context.Context, by time.Duration) error {
	if !within(10*time.Second, p.idle()) {
		p.t.Fail("the reaper does not run by its schedule")
	}
	skipped := p.skipped.Load()
	if err := setClock(by); err != nil {
		return err
	}
	if by > 0 {
		p.ahead(ctx, skipped)
	} else {
		p.flushes(ctx, "set back")
		time.Sleep(2500 * time.Millisecond) // a run of the reaper
		p.look(ctx, p.store, "while the clock is an hour behind")
	}
	if err := setClock(0); err != nil {
		return err
	}
	if by < 0 && !within(10*time.Second, func() bool { return p.skipped.Load() > skipped }) {
		p.t.Fail("the clock was set ahead, from an hour behind, and no run was skipped")
	}
	if !within(10*time.Second, p.idle()) {
		p.t.Fail("after the clock was set by %v the reaper does not run any more", by)
	}
	p.flushes(ctx, "set right")
	p.look(ctx, p.store, fmt.Sprintf("after the clock was set by %v and right again", by))
	return nil
}

// idle returns a function that says whether the reaper has run since.
func (p *clockTrial) idle() func() bool {
	before := p.store.Stats().LastReap
	return func() bool { return !p.store.Stats().LastReap.Equal(before) }
}

// ahead waits until the run after the jump is skipped. A control has it done.
func (p *clockTrial) ahead(ctx context.Context, skipped int64) {
	if p.t.Broken {
		n, err := p.store.Reap(ctx)
		p.t.Figure("reaped %d at the wrong time: %v", n, err)
		return
	}
	if !within(10*time.Second, func() bool { return p.skipped.Load() > skipped }) {
		p.t.Fail("the clock was set ahead by an hour, and no run was skipped")
	}
	p.flushes(ctx, "set ahead")
}

// flushes looks whether what is accepted is still committed in time.
func (p *clockTrial) flushes(ctx context.Context, when string) {
	if err := p.create(ctx, "when "+when, int(p.saves.Load()), 3*clockJump); err != nil {
		p.t.Fail("clock %s: create: %v", when, err)
	}
	commits := p.store.Stats().Commits
	if !within(3*time.Second, func() bool { return p.store.Stats().Commits > commits }) {
		p.t.Fail("clock %s: accepted saves were not committed for 3 s", when)
	}
}

// look looks for every session.
func (p *clockTrial) look(ctx context.Context, store session.Store, when string) {
	lost := 0
	for i := range clockSessions {
		for _, kind := range []string{"long", "short"} {
			s, err := store.Get(ctx, clockID(kind, i))
			if err != nil {
				lost++
				continue
			}
			if n, _ := soakValue.Get(s); n < i {
				p.t.Fail("%s: session %d has %d", when, i, n)
			}
		}
	}
	if lost > 0 {
		p.t.Fail("%s: %d of %d sessions lost", when, lost, 2*clockSessions)
	}
}

// keepSaving saves long-lived sessions all the time.
func (p *clockTrial) keepSaving(ctx context.Context, w int, over <-chan struct{}) {
	for i := w; ; i = (i + 4) % clockSessions {
		select {
		case <-over:
			return
		case <-time.After(2 * time.Millisecond):
		}
		s, err := p.store.Get(ctx, clockID("long", i))
		if err == nil {
			s.Touch()
			n, _ := soakValue.Get(s)
			err = errors.Join(soakValue.Set(s, n+1), s.Save(ctx))
		}
		if err != nil {
			p.t.Fail("save of a session that lives for two hours: %v", err)
			return
		}
		p.saves.Add(1)
	}
}

// setClock asks for a wrong clock, and waits until it is.
func setClock(wrong time.Duration) error {
	was := time.Now()
	fmt.Println(clockPrefix + wrong.String())
	jumped := func() bool {
		now := time.Now()
		outran := now.Round(0).Sub(was.Round(0)) - now.Sub(was)
		return outran > clockJump/2 || outran < -clockJump/2
	}
	if !within(10*time.Second, jumped) {
		return errors.New("the clock does not change: is the process traced?")
	}
	return nil
}

// The trial is its store's log handler, to learn which runs are skipped.

// Enabled implements slog.Handler.
func (p *clockTrial) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (p *clockTrial) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "set forward") {
		p.skipped.Add(1)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (p *clockTrial) WithAttrs([]slog.Attr) slog.Handler { return p }

// WithGroup implements slog.Handler.
func (p *clockTrial) WithGroup(string) slog.Handler { return p }
