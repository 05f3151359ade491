//go:build linux

package hostile

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// flooded is one app and what it was like before.
type flooded struct {
	*trial.Trial
	*actor
	path string
	base vitals
}

// flood measures saves with and without hostile clients on the socket, in turns, and looks what is
// left of these when they are gone.
func flood(ctx context.Context, t *trial.Trial) error {
	dir, err := subdir(t)
	if err != nil {
		return err
	}
	a, err := startServed(ctx, t, dir, "bind", t.Size(20_000, 2000))
	if err != nil {
		return err
	}
	defer a.kill()
	f := &flooded{Trial: t, actor: a, path: socketIn(dir)}
	if err := f.warmUp(ctx); err != nil {
		return err
	}
	kinds := []string{"all at once"}
	if !t.Quick {
		kinds = append(floodKinds(), kinds...)
	}
	for _, kind := range kinds {
		if err := f.try(ctx, kind); err != nil {
			return err
		}
	}
	if _, err := process(ctx, f.path); err != nil {
		t.Fail("after the floods the socket gives %v", err)
	}
	return a.stop()
}

// warmUp has all happen once that takes memory once.
func (f *flooded) warmUp(ctx context.Context) error {
	var l latency
	if err := f.ask("saves", &l); err != nil {
		return err
	}
	before, err := f.actor.vitals()
	if err != nil {
		return err
	}
	done, err := startFlooder(ctx, "all at once", f.path)
	if err != nil {
		return err
	}
	err = f.ask("saves", &l)
	if _, stopErr := done(); err != nil || stopErr != nil {
		return firstOf(err, stopErr)
	}
	if err := pause(ctx, time.Second); err != nil {
		return err
	}
	f.base, err = f.actor.vitals()
	f.base.FDs, f.base.Goroutines = before.FDs, before.Goroutines
	return err
}

// floodFigures are what came of one kind of flood.
type floodFigures struct {
	clients    int
	idle, busy []time.Duration // p99 of saves, by round
	ratios     []float64
	most       vitals // at a time
	after      vitals
}

// try measures one kind of flood.
func (f *flooded) try(ctx context.Context, kind string) error {
	rounds := f.Size(9, 5)
	var got floodFigures
	for range rounds {
		if err := f.round(ctx, kind, &got); err != nil {
			return err
		}
	}
	ratio := median(got.ratios)
	if ratio > 2 {
		f.Fail("%s: the p99 of saves is %.2f times what it was without", kind, ratio)
	}
	if got.most.FDs > f.base.FDs+64 {
		f.Fail("%s: the app had %d files open, %d before", kind, got.most.FDs, f.base.FDs)
	}
	after := got.after
	f.Figure("flood (%s): %d rounds, %d connections: p99 of saves %v, idle %v, median of ratios %.2f; at most %d files and %d goroutines (%d, %d before); afterwards %+d files, %+d goroutines, memory %+.1f MiB",
		kind, rounds, got.clients, median(got.busy).Round(time.Microsecond), median(got.idle).Round(time.Microsecond), ratio, got.most.FDs, got.most.Goroutines, f.base.FDs, f.base.Goroutines,
		after.FDs-f.base.FDs, after.Goroutines-f.base.Goroutines, float64(after.Anon-f.base.Anon)/1024)
	return nil
}

// round measures saves without and with a flood.
func (f *flooded) round(ctx context.Context, kind string, got *floodFigures) error {
	var idle, busy latency
	if err := f.ask("saves", &idle); err != nil {
		return err
	}
	done, err := startFlooder(ctx, kind, f.path)
	if err != nil {
		return err
	}
	err = f.ask("saves", &busy)
	during, vitalsErr := f.actor.vitals()
	n, stopErr := done()
	got.clients += n
	got.most.FDs, got.most.Goroutines = max(got.most.FDs, during.FDs), max(got.most.Goroutines, during.Goroutines)
	got.idle, got.busy = append(got.idle, idle.P99), append(got.busy, busy.P99)
	got.ratios = append(got.ratios, float64(busy.P99)/float64(idle.P99))
	if err := firstOf(err, vitalsErr, stopErr); err != nil {
		return err
	}
	got.after, err = f.leftOver(ctx, kind) // so that the next round begins idle
	return err
}

// leftOver waits until a flood is over for the app, and says what it is like then.
func (f *flooded) leftOver(ctx context.Context, kind string) (v vitals, err error) {
	for range 3 { // whoever came first is let in first
		if _, err = process(ctx, f.path); err == nil {
			break
		}
	}
	if err != nil {
		return v, err
	}
	for range 75 {
		v, err = f.actor.vitals()
		if err != nil || v.FDs <= f.base.FDs+2 && v.Goroutines <= f.base.Goroutines+4 && v.Anon <= f.base.Anon+10<<10 {
			return v, err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return v, err
		}
	}
	f.Fail("%s leaks: %d files, %d goroutines, %d KiB afterwards; %d, %d, %d before", kind, v.FDs, v.Goroutines, v.Anon, f.base.FDs, f.base.Goroutines, f.base.Anon)
	return v, nil
}

// startFlooder starts hostile clients; done ends them and returns how often they were connected.
func startFlooder(ctx context.Context, kind, path string) (done func() (int, error), err error) {
	cmd, err := trial.Player(ctx, "hostile-flooder", kind, path)
	if err != nil {
		return nil, err
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var ready string
	if _, err := fmt.Fscanln(out, &ready); err != nil {
		cmd.Process.Kill()
		return nil, fmt.Errorf("flooder: %w, %w", err, cmd.Wait())
	}
	return func() (n int, err error) {
		in.Close()
		_, err = fmt.Fscanln(out, &n)
		return n, firstOf(cmd.Wait(), err)
	}, nil
}

// firstOf returns the first error that there is.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// median returns the middle of some numbers.
func median[T float64 | time.Duration](all []T) T {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}
