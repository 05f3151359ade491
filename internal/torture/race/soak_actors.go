//go:build linux

package race

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/boltsession/session"
)

// maxAlive is how many sessions one actor keeps.
const maxAlive = 2_000

// repeat has an actor act until the store is closed.
func (r *soakRun) repeat(ctx context.Context, actor soakActor, who string, book *ledger) {
	for ctx.Err() == nil {
		select {
		case <-r.over:
			return
		default:
		}
		err := r.dog.call(who, func() error { return actor.act(ctx, r, book) })
		switch {
		case errors.Is(err, session.ErrClosed):
			return
		case err != nil:
			r.t.Fail("%s: %v", who, err)
		}
	}
}

// count counts one of something.
func (r *soakRun) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what]++
}

// tally returns the counts in words.
func (r *soakRun) tally() string {
	var all []string
	for what, n := range r.counts {
		all = append(all, fmt.Sprintf("%d %s", n, what))
	}
	sort.Strings(all)
	return strings.Join(all, ", ")
}

type soakAct = func(context.Context, *soakRun, *ledger) error

// soakSavers do what most requests do.
func soakSavers(n int) []soakActor {
	return soakVisitorsThat(n, soakCreate, soakCreate, soakCreate, soakCopy, soakCopy, soakLive, soakLive, soakTouch)
}

// soakVisitors do what requests do. To look for a user has what was accepted stored.
func soakVisitors(n int) []soakActor {
	return soakVisitorsThat(n, soakCreate, soakCreate, soakCreate, soakShort, soakCopy, soakCopy, soakLive, soakLive, soakLive,
		soakTouch, soakRenew, soakDestroy, soakUser)
}

func soakVisitorsThat(n int, acts ...soakAct) (actors []soakActor) {
	for range n {
		actors = append(actors, soakActor{"visitor", func(ctx context.Context, r *soakRun, l *ledger) error {
			return acts[l.rand.IntN(len(acts))](ctx, r, l)
		}})
	}
	return actors
}

func soakCreate(ctx context.Context, r *soakRun, l *ledger) error {
	if len(l.alive) >= maxAlive {
		return nil
	}
	e := &entry{id: l.id(), user: l.user(), n: 1}
	s, err := r.store.Create(ctx, e.id)
	if err != nil {
		return err
	}
	if err := errors.Join(s.SetUser(e.user), soakValue.Set(s, 1), s.Set("growth", make([]byte, l.rand.IntN(3_000)))); err != nil {
		return err
	}
	if err := s.Save(ctx); err != nil {
		return err
	}
	l.alive = append(l.alive, e)
	r.count("creations")
	return nil
}

// soakShort leaves something to the reaper.
func soakShort(ctx context.Context, r *soakRun, l *ledger) error {
	s, err := r.store.Create(ctx, l.id())
	if err != nil {
		return err
	}
	return errors.Join(s.SetMaxAge(time.Second), s.Save(ctx))
}

// soakCopy saves a copy of a session, and another component of it that grows.
func soakCopy(ctx context.Context, r *soakRun, l *ledger) error {
	e := l.any()
	if e == nil {
		return nil
	}
	s, err := r.store.Get(ctx, e.id, "cart")
	if err != nil {
		return err
	}
	cart, err := s.Component(ctx, "cart")
	if err != nil {
		return err
	}
	if n, _ := soakValue.Get(s); n != e.n {
		return fmt.Errorf("session %s has %d, acknowledged was %d", e.id.Short(), n, e.n)
	}
	err = errors.Join(soakValue.Set(s, e.n+1), cart.Set(fmt.Sprint("item ", l.rand.IntN(20)), make([]byte, l.rand.IntN(1_000))))
	if err != nil {
		return err
	}
	return r.acknowledged(e, s.Save(ctx), "saves of copies")
}

// soakLive saves as a request does.
func soakLive(ctx context.Context, r *soakRun, l *ledger) error {
	e := l.any()
	if e == nil {
		return nil
	}
	s, release, err := r.proxy.Acquire(ctx, e.id)
	if err != nil {
		return err
	}
	defer release()
	if _, err := soakValue.Update(s, func(n int) int { return n + 1 }); err != nil {
		return err
	}
	return r.acknowledged(e, s.Save(ctx), "saves of live sessions")
}

// acknowledged notes a save that came back.
func (r *soakRun) acknowledged(e *entry, err error, what string) error {
	if err == nil {
		e.n++
		r.count(what)
	}
	return err
}

func soakTouch(ctx context.Context, r *soakRun, l *ledger) error {
	if e := l.any(); e != nil {
		return r.store.Touch(ctx, e.id, time.Now())
	}
	return nil
}

func soakRenew(ctx context.Context, r *soakRun, l *ledger) error {
	e := l.any()
	if e == nil {
		return nil
	}
	s, err := r.store.Get(ctx, e.id)
	if err != nil {
		return err
	}
	to := l.id()
	if err := r.store.Renew(ctx, s, to); err != nil {
		return err
	}
	l.dead = append(l.dead, e.id)
	e.id = to
	r.count("renewals")
	return nil
}

func soakDestroy(ctx context.Context, r *soakRun, l *ledger) error {
	e := l.any()
	if e == nil {
		return nil
	}
	if err := r.proxy.Destroy(ctx, e.id); err != nil {
		return err
	}
	l.bury(func(other *entry) bool { return other == e })
	r.count("ends")
	return nil
}

// soakUser looks for the sessions of a user, and sometimes ends them.
func soakUser(ctx context.Context, r *soakRun, l *ledger) error {
	user, want := l.user(), 0
	for _, e := range l.alive {
		if e.user == user {
			want++
		}
	}
	infos, err := r.store.ByUser(ctx, user)
	if err != nil {
		return err
	}
	if len(infos) != want {
		return fmt.Errorf("ByUser finds %d sessions of %d", len(infos), want)
	}
	r.count("looks for a user")
	if l.rand.IntN(4) > 0 {
		return nil
	}
	n, err := r.store.DestroyUser(ctx, user)
	if err != nil {
		return err
	}
	l.bury(func(e *entry) bool { return e.user == user })
	if n != want {
		return fmt.Errorf("DestroyUser ended %d sessions of %d", n, want)
	}
	return nil
}

// soakOperators do what happens beside requests.
func soakOperators(dir string) []soakActor {
	backups := 0
	return []soakActor{
		{"listing", soakList},
		{"reaper", func(ctx context.Context, r *soakRun, _ *ledger) error {
			n, err := r.store.Reap(ctx)
			if n > 0 {
				r.count("runs of the reaper")
			}
			time.Sleep(20 * time.Millisecond)
			return err
		}},
		{"compaction", func(ctx context.Context, r *soakRun, _ *ledger) error {
			if err := r.store.Compact(ctx); err != nil {
				return err
			}
			r.count("compactions")
			time.Sleep(500 * time.Millisecond) // nobody writes meanwhile
			return nil
		}},
		{"backup", func(ctx context.Context, r *soakRun, _ *ledger) error {
			backups++
			return soakBackup(ctx, r, filepath.Join(dir, fmt.Sprint("backup ", backups, ".db")))
		}},
		{"numbers", func(ctx context.Context, r *soakRun, _ *ledger) error {
			r.store.Stats()
			_, err := r.store.Length(ctx)
			time.Sleep(time.Millisecond)
			return err
		}},
	}
}

func soakList(ctx context.Context, r *soakRun, _ *ledger) error {
	for _, err := range r.store.All(ctx) {
		if err != nil {
			return err
		}
	}
	r.count("listings")
	time.Sleep(time.Millisecond)
	return nil
}

// soakBackup makes a backup, which has to be a sound store.
func soakBackup(ctx context.Context, r *soakRun, path string) error {
	if err := r.store.Backup(ctx, path); err != nil {
		return err
	}
	defer os.Remove(path)
	copied, err := session.Open(path, &session.BoltOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("open a backup: %w", err)
	}
	r.count("backups")
	time.Sleep(200 * time.Millisecond)
	return copied.Close()
}
