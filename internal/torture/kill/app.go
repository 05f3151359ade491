//go:build linux

package kill

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// app is a role: the process whose store is used by a crowd and which is killed meanwhile. It says
// "opening", "writing", "closing" and "closed", and with a copy to make "copying" and "copied".
type app struct {
	path, ledger string
	sync         time.Duration // SyncEvery
	backup       string        // a backup to make
	naive        string        // a copy to make as one must not
	compact      bool
	before       string // where to write what was acknowledged before the copy
}

func playApp(args []string) error {
	a := app{}
	flags := flag.NewFlagSet("app", flag.ContinueOnError)
	flags.DurationVar(&a.sync, "sync", 0, "SyncEvery")
	flags.StringVar(&a.backup, "backup", "", "back up to this file")
	flags.StringVar(&a.naive, "naive", "", "copy to this file, without care")
	flags.BoolVar(&a.compact, "compact", false, "compact the file")
	flags.StringVar(&a.before, "before", "", "the ledger as it is before")
	if err := flags.Parse(args); err != nil {
		return err
	}
	a.path, a.ledger = flags.Arg(0), flags.Arg(1)
	return a.run(context.Background())
}

func (a *app) run(ctx context.Context) error {
	l, err := openLedger(a.ledger)
	if err != nil {
		return err
	}
	say("opening")
	store, err := session.Open(a.path, &session.BoltOptions{
		Reap: session.Never, SyncEvery: a.sync, TouchInterval: passerLife,
	})
	if err != nil {
		return err
	}
	if err := audit(ctx, store, l, sayFound); err != nil {
		return err
	}
	crowd, err := press(ctx, store, l, sayFound)
	if err != nil {
		return err
	}
	say("writing")
	if a.before != "" {
		if err := a.copy(ctx, store, l); err != nil {
			return err
		}
	}
	io.Copy(io.Discard, os.Stdin) // until whoever started us lets go
	say("closing")
	if err := store.Close(); err != nil {
		return err
	}
	crowd.wg.Wait()
	say("closed")
	time.Sleep(patience) // to be killed
	return errors.New("nobody killed the process")
}

// copy makes the copy that is to be interrupted.
func (a *app) copy(ctx context.Context, store *session.BoltStore, l *ledger) (err error) {
	time.Sleep(20 * time.Millisecond) // for the crowd to get going
	if err := l.copyTo(a.before); err != nil {
		return err
	}
	say("copying")
	begun := time.Now()
	switch {
	case a.compact:
		err = store.Compact(ctx)
	case a.naive != "":
		err = copyNaively(a.path, a.naive)
	default:
		err = store.Backup(ctx, a.backup)
	}
	if err == nil {
		say("copied", time.Since(begun))
	}
	return err
}

// copyNaively copies a file to its name directly, as it is, whoever writes to it.
func copyNaively(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = io.Copy(struct{ io.Writer }{out}, in)
	return err
}

// fill creates a store with so many sessions that are never touched again.
func fill(ctx context.Context, path string, l *ledger, sessions int) error {
	if sessions == 0 {
		return nil
	}
	store, err := session.Open(path, &session.BoltOptions{Reap: session.Never, NoSocket: true, SyncEvery: time.Second})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, ledgerWriters)
	for w := range errs {
		wg.Go(func() {
			for i := w; i < sessions && errs[w] == nil; i += len(errs) {
				s, err := store.Create(ctx, session.TokenID(fmt.Sprint("ballast ", i)))
				if err == nil {
					err = errors.Join(s.Set("n", i), s.Set("name", "ballast"), store.Save(ctx, s))
				}
				errs[w] = err
			}
		})
	}
	wg.Wait()
	l.ballast.Store(uint64(sessions))
	return errors.Join(append(errs, store.Close())...)
}

// leftovers are the temporary files in a directory.
func leftovers(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if strings.Contains(e.Name(), ".tmp") {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names, err
}

// age makes files look as if they had not been written to for a while.
func age(names []string) error {
	for _, name := range names {
		then := time.Now().Add(-time.Hour)
		if err := os.Chtimes(name, then, then); err != nil {
			return err
		}
	}
	return nil
}
