//go:build linux

package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// ioWatchdog is how long a child may take. What it does takes a second or two, and waits for up
// to twice recoverWithin.
const ioWatchdog = 90 * time.Second

// ioRun is all trials of ioerror.
type ioRun struct {
	*trial.Trial
	tried    int
	mu       sync.Mutex
	kinds    map[string]int // of errors
	runs     map[string]int // by phase
	slowest  time.Duration  // recovery
	deeds    atomic.Int64
	acked    atomic.Int64
	injected atomic.Int64
	unhurt   atomic.Int64 // runs in which no call failed
}

// ioerror is the technique.
func ioerror(ctx context.Context, t *trial.Trial) error {
	if err := t.Needs(ctx, "strace"); err != nil {
		return err
	}
	r := &ioRun{Trial: t, kinds: make(map[string]int), runs: make(map[string]int)}
	err := t.Each(ctx,
		trial.Check{Name: "commits", Run: func(ctx context.Context, t *trial.Trial) error {
			return r.all(ctx, t.Size(len(allFaults()), 22), allFaults(), commitControl())
		}},
		trial.Check{Name: "snapshots", Run: func(ctx context.Context, t *trial.Trial) error {
			return r.all(ctx, t.Size(len(snapshotFaults()), 3), snapshotFaults(), snapshotControl())
		}})
	r.report()
	return err
}

// all runs n of the faults, or the control.
func (r *ioRun) all(ctx context.Context, n int, faults, control []fault) error {
	if faults = some(faults, n); r.Broken {
		faults = control
	}
	var wg sync.WaitGroup
	next := make(chan fault)
	errs := make([]error, 2)
	for w := range errs {
		wg.Go(func() {
			for f := range next {
				errs[w] = errors.Join(errs[w], r.try(ctx, f))
			}
		})
	}
	for _, f := range faults {
		r.tried++
		f.n = r.tried
		next <- f
	}
	close(next)
	wg.Wait()
	err := errors.Join(errs...)
	if errors.Is(err, errAttach) {
		return trial.Cannot("%v", err)
	}
	return err
}

func (r *ioRun) report() {
	var phases, kinds []string
	for _, p := range slices.Sorted(maps.Keys(r.runs)) {
		phases = append(phases, fmt.Sprintf("%s %d", p, r.runs[p]))
	}
	for _, k := range slices.Sorted(maps.Keys(r.kinds)) {
		kinds = append(kinds, fmt.Sprintf("%s %d", k, r.kinds[k]))
	}
	r.Figure("%d runs (%s), %d failed system calls in %d of them", r.tried, strings.Join(phases, ", "), r.injected.Load(), int64(r.tried)-r.unhurt.Load())
	r.Figure("%d calls of the store, %d saves and ends acknowledged; errors: %s", r.deeds.Load(), r.acked.Load(), strings.Join(kinds, ", "))
	r.Figure("writes go on by themselves at most %v after the last fault", r.slowest.Round(time.Millisecond))
}

// try is one run: a child, a fault, and what came of it.
func (r *ioRun) try(ctx context.Context, f fault) error {
	ctx, cancel := context.WithTimeout(ctx, ioWatchdog)
	defer cancel()
	dir := filepath.Join(r.Dir, fmt.Sprintf("%03d", f.n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	order := ioOrder{Path: filepath.Join(dir, "sessions.db"), Phase: f.phase, Naive: r.Broken, SyncEvery: f.syncEvery, Saves: r.Size(1000, 200)}
	fail := func(format string, args ...any) { r.Fail("%03d %s: %s", f.n, f, fmt.Sprintf(format, args...)) }
	v := &ioVerdict{fates: newFates(fail), order: order}
	v.weak = f.syncEvery > 0
	if err := r.play(ctx, f, order, v); err != nil {
		if errors.Is(err, errAttach) {
			return err
		}
		fail("%v", err)
		return nil
	}
	calls, err := readTrace(filepath.Join(dir, "trace"))
	if err != nil {
		return err
	}
	inSnapshot := f.phase == "snapshot" && r.Broken // whose control is to notice what is read
	if c := afterFailedSync(calls, order.Path); c != nil && !inSnapshot {
		fail("%s succeeded after a failed sync, without that the file was opened again", c.name)
	}
	v.look(ctx)
	r.count(f, v, injections(calls))
	return nil
}

func (r *ioRun) count(f fault, v *ioVerdict, injected int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs[f.phase]++
	for k, n := range v.failures {
		r.kinds[k] += n
	}
	r.slowest = max(r.slowest, v.recovered)
	r.deeds.Add(int64(v.deeds))
	r.acked.Add(int64(v.acked))
	r.injected.Add(int64(injected))
	if injected == 0 {
		r.unhurt.Add(1)
	}
}

// play runs the child: faults from when it is ready to when it is done.
func (r *ioRun) play(ctx context.Context, f fault, order ioOrder, v *ioVerdict) error {
	cmd, stdout, stderr, err := player(ctx, "ioerror", order)
	if err != nil {
		return err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var traced *injector
	var problem error
	rest := readDiary(stdout, func(e deed) {
		switch e.Op {
		case "ready":
			v.start()
			traced, problem = inject(ctx, cmd.Process.Pid, f.path(order.Path), filepath.Join(filepath.Dir(order.Path), "trace"), f.calls...)
			io.WriteString(stdin, "\n")
		case "done":
			if traced != nil {
				problem = errors.Join(problem, traced.detach())
			}
			io.WriteString(stdin, "\n")
		default:
			v.follow(e)
		}
	})
	err = cmd.Wait()
	switch {
	case problem != nil:
		return problem
	case ctx.Err() != nil:
		return fmt.Errorf("it hangs: nothing for %v", ioWatchdog)
	case err != nil || len(rest) > 0 || stderr.Len() > 0:
		return fmt.Errorf("the process died: %v: %s%s", err, strings.Join(rest, "; "), firstLines(stderr.String(), 12))
	}
	return nil
}

func firstLines(s string, n int) string {
	lines := strings.SplitAfterN(s, "\n", n+1)
	return strings.Join(lines[:min(n, len(lines))], "")
}
