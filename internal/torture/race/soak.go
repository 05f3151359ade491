//go:build linux

package race

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// maxClose is how long Close may take, under whatever load.
const maxClose = 2 * time.Second

var soak = trial.Technique{
	Name:   "soak",
	What:   "everything at once for a while, and Close in the middle of it",
	Proves: "13",
	Breaks: "a store that is not closed, and saves taken for durable that Close has not stored yet",
	Run: func(ctx context.Context, t *trial.Trial) error {
		return t.Each(ctx, trial.Check{Name: "all at once", Run: soakAll}, trial.Check{Name: "close", Run: soakClose})
	},
}

// soakModes are the stores under trial.
var soakModes = []struct {
	name  string
	every time.Duration
}{
	{"durable", 0},
	{"SyncEvery 50 ms", 50 * time.Millisecond},
	{"SyncEvery 1 s", time.Second},
}

// soakAll has everything done at once for half a minute, and then looks for what is left.
func soakAll(ctx context.Context, t *trial.Trial) error {
	for _, mode := range soakModes[:2] {
		dir := filepath.Join(t.Dir, "all "+mode.name)
		path := filepath.Join(dir, "sessions.db")
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		if err := openAndClose(path); err != nil { // what the first use of anything keeps is no leak
			return err
		}
		before := held(dir)
		run := &soakRun{t: t, path: path, options: session.BoltOptions{
			SyncEvery: mode.every, TouchInterval: 20 * time.Millisecond, Reap: "@every 1s", Logger: slog.New(slog.DiscardHandler),
		}}
		length := time.Duration(t.Size(30_000, 1_500)) * time.Millisecond
		if err := run.run(ctx, length, slices.Concat(soakVisitors(12), soakOperators(dir))); err != nil {
			return err
		}
		leaks := before.leaked(dir)
		for _, leak := range leaks {
			t.Fail("%s: left behind: %s", mode.name, leak)
		}
		if t.Broken {
			return run.store.Close()
		}
		lost, err := run.judge(ctx, path)
		if err != nil {
			return err
		}
		t.Figure("%s: %v of %s; Close took %v; %d goroutines, descriptors and files left, %d changes lost",
			mode.name, length, run.tally(), run.closed.Round(time.Millisecond), len(leaks), lost)
		os.RemoveAll(dir)
	}
	return nil
}

func openAndClose(path string) error {
	store, err := session.Open(path, nil)
	if err != nil {
		return err
	}
	return store.Close()
}

// soakRun is one store under load, from Open to Close.
type soakRun struct {
	t       *trial.Trial
	path    string
	options session.BoltOptions

	store  *session.BoltStore
	proxy  *session.ProxyStore
	dog    *watchdog
	over   chan struct{} // closed when the load is to end by itself, after Close
	closed time.Duration // how long Close took

	mu     sync.Mutex
	counts map[string]int
	books  []*ledger
}

// soakActor does one thing after the other until the store is closed.
type soakActor struct {
	name string
	act  soakAct
}

// run opens the store, puts it under load, closes it, and waits for everybody. The error is a
// deadlock, after which nothing more can be done.
func (r *soakRun) run(ctx context.Context, length time.Duration, actors []soakActor) (err error) {
	if r.store, err = session.Open(r.path, &r.options); err != nil {
		return err
	}
	r.proxy = session.NewProxyStore(func() (session.Store, error) { return r.store, nil },
		&session.ProxyOptions{Logger: slog.New(slog.DiscardHandler)}) // changes that Close came before are not saved

	r.dog, r.over, r.counts = newWatchdog(), make(chan struct{}), map[string]int{}
	seed := r.t.Rand.Uint64()
	var all sync.WaitGroup
	for i, actor := range actors {
		book := newLedger(seed, i)
		r.books = append(r.books, book)
		all.Go(func() { r.repeat(ctx, actor, fmt.Sprint(actor.name, " ", i), book) })
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-time.After(length):
		case <-ctx.Done():
		}
		r.close()
		all.Wait()
	}()
	return r.dog.watch(done, 30*time.Second)
}

// close closes the store from two sides; a control leaves it open.
func (r *soakRun) close() {
	if r.t.Broken {
		close(r.over)
		return
	}
	start := time.Now()
	var both sync.WaitGroup
	for i := range 2 {
		both.Go(func() {
			if err := r.dog.call(fmt.Sprint("Close ", i), r.store.Close); err != nil {
				r.t.Fail("Close: %v", err)
			}
		})
	}
	both.Wait()
	if r.closed = time.Since(start); r.closed > maxClose {
		r.t.Fail("Close took %v", r.closed)
	}
}

// judge opens what is at path and returns how much of what was acknowledged it lost.
func (r *soakRun) judge(ctx context.Context, path string) (lost int, err error) {
	store, err := session.Open(path, &session.BoltOptions{Reap: session.Never, NoSocket: true})
	if err != nil {
		return 0, err
	}
	for _, book := range r.books {
		for _, problem := range book.compare(ctx, store) {
			r.t.Fail("after it was opened again %s", problem)
			lost++
		}
	}
	return lost, store.Close()
}
