//go:build linux

package fault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// fullRoom is how much room there is, in whatever way it is limited.
const fullRoom = 4 << 20

// full is the technique.
func full(ctx context.Context, t *trial.Trial) error {
	checks := []trial.Check{
		{Name: "full disk", Run: func(ctx context.Context, t *trial.Trial) error { return fullDisk(ctx, t, fullOrder{}) }},
		{Name: "file size limit", Run: func(ctx context.Context, t *trial.Trial) error {
			limit := uint64(fullRoom)
			if t.Broken {
				limit = 20 << 20 // bbolt's own step is 16 MiB
			}
			return fillUp(ctx, t, "RLIMIT_FSIZE", "limit", fullOrder{FileSize: limit})
		}},
		{Name: "MaxSize", Run: func(ctx context.Context, t *trial.Trial) error {
			return fillUp(ctx, t, "MaxSize", "max", fullOrder{ioOrder: ioOrder{MaxSize: fullRoom}})
		}},
	}
	return t.Each(ctx, checks...)
}

// fullDisk fills a small file system in memory.
func fullDisk(ctx context.Context, t *trial.Trial, order fullOrder) error {
	dir := filepath.Join(t.Dir, "disk")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", fullRoom)); err != nil {
		return trial.Cannot("mount tmpfs: %v; root may", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	return fillUp(ctx, t, "ENOSPC", "disk", order)
}

// fillUp has gluttons fill stores, with SyncEvery and without.
func fillUp(ctx context.Context, t *trial.Trial, name, dir string, order fullOrder) error {
	sum := &fullSum{kinds: make(map[string]int)}
	times := t.Size(10, 1)
	if t.Broken {
		times = 1
	}
	for i := range times {
		order.SyncEvery = time.Duration((i+len(name))%2) * 5 * time.Millisecond
		order.Naive = t.Broken
		place := filepath.Join(t.Dir, dir, fmt.Sprint(i))
		if err := os.MkdirAll(place, 0o700); err != nil {
			return err
		}
		order.Path = filepath.Join(place, "sessions.db")
		if err := sum.try(ctx, t, name, order); err != nil {
			return err
		}
		if err := os.RemoveAll(place); err != nil {
			return err
		}
	}
	t.Figure("%s: %s%s", name, sum, t.Unless())
	return nil
}

// fullSum is what came of some runs.
type fullSum struct {
	runs, saves, reaped int
	ends, denied        int // ends that were stored, and that were refused and stored later
	kinds               map[string]int
}

func (s *fullSum) String() string {
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(s.kinds)) {
		kinds = append(kinds, fmt.Sprintf("%s %d", k, s.kinds[k]))
	}
	return fmt.Sprintf("%d times full, %d saves and ends acknowledged, 0 lost; errors: %s; when full, %d ends stored and %d refused; %d reaped, and saved on",
		s.runs, s.saves, strings.Join(kinds, ", "), s.ends, s.denied, s.reaped)
}

// try fills one store.
func (s *fullSum) try(ctx context.Context, t *trial.Trial, name string, order fullOrder) error {
	ctx, cancel := context.WithTimeout(ctx, ioWatchdog)
	defer cancel()
	fail := func(format string, args ...any) {
		t.Fail("%s, SyncEvery %v: %s", name, order.SyncEvery, fmt.Sprintf(format, args...))
	}
	v := &fullVerdict{ioVerdict: ioVerdict{fates: newFates(fail), order: order.ioOrder}, atMaxSize: order.MaxSize > 0}
	v.weak = order.SyncEvery > 0
	cmd, stdout, stderr, err := player(ctx, "full", order)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	rest := readDiary(stdout, v.follow)
	if err := cmd.Wait(); err != nil || len(rest) > 0 || stderr.Len() > 0 {
		fail("the process died: %v: %s%s", errors.Join(err, ctx.Err()), strings.Join(rest, "; "), firstLines(stderr.String(), 12))
		return nil
	}
	v.look(ctx)
	s.add(v)
	return nil
}

func (s *fullSum) add(v *fullVerdict) {
	s.runs++
	s.saves += v.acked
	s.ends += v.ends
	s.denied += v.denied
	s.reaped += v.reaped
	for k, n := range v.failures {
		s.kinds[k] += n
	}
}

// fullVerdict judges one run of a glutton.
type fullVerdict struct {
	ioVerdict
	atMaxSize    bool
	filled       bool
	ends, denied int
	reaped       int
}

func (v *fullVerdict) follow(e deed) {
	v.ioVerdict.follow(e)
	if e.Begun {
		return
	}
	switch e.Op {
	case "filled":
		v.filled = true
		if v.failures["full"] == 0 {
			v.fail("it was filled, and nothing gave ErrFull")
		}
	case "save":
		if e.Err != "" && e.Err != "full" && !v.fate(e.ID).ended {
			v.fail("a save without room gave %s: %s", e.Err, e.Said)
		}
	case "get", "list":
		if e.Err != "" && e.Err != "notfound" {
			v.fail("a read gave %s: %s", e.Err, e.Said)
		}
	case "destroy", "user":
		v.endedWhenFull(e)
	case "reap":
		v.reaped += e.Value
		if e.Err != "" || e.Value == 0 {
			v.fail("the reaper deleted %d, %s %s", e.Value, e.Err, e.Said)
		}
	case "go on":
		if e.Err != "" {
			v.fail("there is no room after the reaper ran: %s", e.Said)
		}
	}
}

// endedWhenFull judges an end in a full store. At MaxSize a session's end is stored. On a full disk it
// may be owed, and so may that of all sessions of a user, which is one transaction at first.
func (v *fullVerdict) endedWhenFull(e deed) {
	switch {
	case e.Err == "":
		v.ends++
	case e.Err == "full" && (!v.atMaxSize || e.Op == "user"):
		v.denied++
	default:
		v.fail("%s in a full store gave %s: %s", e.Op, e.Err, e.Said)
	}
}
