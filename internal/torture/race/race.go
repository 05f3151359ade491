//go:build linux

package race

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

const roleRace = "race"

var race = trial.Technique{
	Name:   "race",
	What:   "ends against saves, concurrent updates and savers, under the race detector",
	Proves: "12",
	Breaks: "a store that puts back whole sessions, and updates that read, then write",
	Run:    runRace,
}

// runRace has the trial played by a build of this program that has the race detector.
func runRace(ctx context.Context, t *trial.Trial) error {
	program, err := racedProgram(ctx, t)
	if err != nil {
		return err
	}
	return t.Relay(ctx, program, roleRace)
}

// racedProgram returns this program, or builds it with the race detector.
func racedProgram(ctx context.Context, t *trial.Trial) (string, error) {
	if raced {
		return os.Executable()
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", trial.Cannot("the race detector has to be built in, and there is no go command")
	}
	program := filepath.Join(t.Dir, "torture-race")
	build := exec.CommandContext(ctx, "go", "build", "-race", "-o", program, "github.com/boltsession/session/internal/torture")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		return "", trial.Cannot("go build -race, which needs a C compiler and this module around: %v: %.500s", err, out)
	}
	return program, nil
}

func playRace(args []string) error {
	return trial.Relayed(roleRace, args, func(ctx context.Context, t *trial.Trial) error {
		for _, kind := range raceKinds(t) {
			of := func(run func(context.Context, *trial.Trial, raceKind) error) func(context.Context, *trial.Trial) error {
				return func(ctx context.Context, t *trial.Trial) error { return run(ctx, t, kind) }
			}
			if err := t.Each(ctx,
				trial.Check{Name: kind.name + ": ends against saves", Run: of(raceEnds)},
				trial.Check{Name: kind.name + ": updates", Run: of(raceUpdates)},
				trial.Check{Name: kind.name + ": savers", Run: of(raceSavers)},
			); err != nil {
				return err
			}
		}
		return nil
	})
}

// raceKind is a kind of store under trial.
type raceKind struct {
	name    string
	open    func(path string) (session.Store, error)
	file    bool // what is stored is there when it is opened again
	proxied bool // everything goes through a ProxyStore over it
}

// raceKinds are all kinds of stores, each alone and behind a ProxyStore.
func raceKinds(t *trial.Trial) (kinds []raceKind) {
	bolt := func(every time.Duration) func(string) (session.Store, error) {
		return func(path string) (session.Store, error) {
			return session.Open(path, &session.BoltOptions{SyncEvery: every, TouchInterval: 5 * time.Millisecond, NoSocket: true})
		}
	}
	kinds = []raceKind{
		{name: "MemoryStore", open: func(string) (session.Store, error) { return session.NewMemoryStore(nil), nil }},
		{name: "BoltStore", open: bolt(0), file: true},
		{name: "BoltStore with SyncEvery", open: bolt(2 * time.Millisecond), file: true},
	}
	if t.Broken {
		kinds = []raceKind{{name: "careless store", open: func(string) (session.Store, error) { return newCareless(), nil }}}
	}
	for _, kind := range kinds {
		kind.proxied, kind.name = true, "ProxyStore over "+kind.name
		kinds = append(kinds, kind)
	}
	return kinds
}

// raceStore is a store under trial, open.
type raceStore struct {
	raceKind
	path  string
	store session.Store       // what is called: the ProxyStore, or the store itself
	inner session.Store       // the store itself
	proxy *session.ProxyStore // nil without
	web   *raceWeb            // a Manager over the ProxyStore
}

func (k raceKind) start(t *trial.Trial, part string) (*raceStore, error) {
	r := &raceStore{raceKind: k, path: filepath.Join(t.Dir, strings.ReplaceAll(k.name+" "+part, " ", "-")+".db")}
	return r, r.reopen()
}

// reopen opens the store, again if it is one with a file.
func (r *raceStore) reopen() (err error) {
	if r.inner != nil && !r.file {
		return nil
	}
	if r.inner != nil {
		if err := r.inner.Close(); err != nil {
			return err
		}
	}
	if r.inner, err = r.open(r.path); err != nil {
		return err
	}
	r.store = r.inner
	if !r.proxied {
		return nil
	}
	r.proxy = session.NewProxyStore(func() (session.Store, error) { return r.inner, nil }, nil)
	r.store = r.proxy
	r.web, err = newRaceWeb(r.proxy)
	return err
}

// gone says whether the store has no session under id, nor anybody a live one.
func (r *raceStore) gone(ctx context.Context, id session.ID) error {
	for _, store := range []session.Store{r.inner, r.store} {
		if _, err := store.Get(ctx, id); !errors.Is(err, session.ErrNotFound) {
			return fmt.Errorf("Get says %v", err)
		}
	}
	if r.proxy == nil {
		return nil
	}
	_, release, err := r.proxy.Acquire(ctx, id)
	if err == nil {
		release()
	}
	if !errors.Is(err, session.ErrNotFound) {
		return fmt.Errorf("Acquire says %v", err)
	}
	return nil
}

// handle returns a handle on a session as a request has it, or a copy without a ProxyStore.
func (r *raceStore) handle(ctx context.Context, id session.ID, components ...string) (*session.Session, func(), error) {
	if r.proxy != nil {
		return r.proxy.Acquire(ctx, id)
	}
	s, err := r.store.Get(ctx, id, components...)
	return s, func() {}, err
}
