//go:build linux

package fault

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/naive"
)

// ioVerdict judges one run.
type ioVerdict struct {
	*fates
	order     ioOrder
	recovered time.Duration
	before    map[int]int // the value of each session before anything failed
}

// start notes what there is before anything fails.
func (v *ioVerdict) start() {
	v.before = make(map[int]int)
	for id, s := range v.of {
		if v.certain(s) {
			v.before[id] = s.stored
		}
	}
}

func (v *ioVerdict) follow(e deed) {
	v.fates.follow(e)
	if e.Begun {
		return
	}
	switch e.Op {
	case "recovered":
		if v.recovered = time.Duration(e.Took) * time.Millisecond; v.recovered >= recoverWithin {
			v.fail("writes still fail %v after the last fault", v.recovered)
		}
	case "settled":
		if e.Value != 0 {
			v.fail("%d ends are still owed", e.Value)
		}
	case "snapshot":
		if e.Err == untyped {
			v.fail("the listing that was under way gave an error that cannot be tested for: %s", e.Said)
		} else {
			v.listed(e)
		}
	}
}

// look judges what is in the file now, and in a backup.
func (v *ioVerdict) look(ctx context.Context) {
	v.lookInto(ctx, v.order.Path, func(store session.Store) {
		v.final(func(id int) (found, error) { return lookUp(ctx, store, id) })
	})
	backup := v.order.Path + ".backup"
	if _, err := os.Lstat(backup); err == nil {
		v.lookInto(ctx, backup, func(store session.Store) { v.backup(ctx, store) })
	}
}

// lookInto opens a file.
func (v *ioVerdict) lookInto(ctx context.Context, path string, look func(session.Store)) {
	store, err := v.open(ctx, path)
	if err != nil {
		v.fail("%s: %v", filepath.Base(path), err)
		return
	}
	defer store.Close()
	look(store)
}

func (v *ioVerdict) open(ctx context.Context, path string) (session.Store, error) {
	if v.order.Naive {
		return naive.Open(path)
	}
	if _, err := session.Check(ctx, path); err != nil {
		return nil, err
	}
	return session.Open(path, &session.BoltOptions{NoSocket: true, Reap: session.Never, Logger: slog.New(slog.DiscardHandler)})
}

// backup judges a backup, which was made while some sessions changed: the others are in it.
func (v *ioVerdict) backup(ctx context.Context, store session.Store) {
	for id, value := range v.before {
		if s := v.fate(id); !v.certain(s) || s.stored != value || len(s.maybe) > 0 {
			continue
		}
		got, err := lookUp(ctx, store, id)
		if err != nil || !got.there || got.value != value || got.torn {
			v.fail("a backup has of session %d, which is %d: %+v, %v", id, value, got, err)
		}
	}
}

func lookUp(ctx context.Context, store session.Store, id int) (f found, err error) {
	s, err := store.Get(ctx, idOf(id), "cart")
	if errors.Is(err, session.ErrNotFound) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	f.there = true
	f.value, f.torn, err = valueOf(ctx, s)
	return f, err
}
