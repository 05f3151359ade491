//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"
)

// A technique is one way to break the promises.
type technique struct {
	name   string
	what   string // what is done, in a few words
	proves string // numbers of the requirements, "1, 8"
	breaks string // what -break breaks, in a few words
	run    func(context.Context, *trial) error
}

// errCannot: the technique cannot run on this machine.
var errCannot = errors.New("cannot run here")

// try runs a technique, or its negative control, or both, and says how to exit.
func (tech technique) try(ctx context.Context, opts options, out io.Writer) int {
	if !opts.control {
		return tech.once(ctx, opts, out)
	}
	opts.broken = false
	code := tech.once(ctx, opts, out)
	if code == exitCannot {
		return code
	}
	opts.broken = true
	if control := tech.once(ctx, opts, out); control == 0 {
		fmt.Fprintf(out, "%s: BROKEN: the negative control (%s) went unnoticed\n", tech.name, tech.breaks)
		return exitBroken
	} else if control == exitCannot {
		return worse(code, control)
	}
	return code
}

func (tech technique) once(ctx context.Context, opts options, out io.Writer) int {
	t := &trial{name: tech.name, quick: opts.quick, broken: opts.broken, out: out, rand: random(opts.seed, tech.name)}
	if t.broken {
		t.name += " -break"
		fmt.Fprintf(out, "%s: with this broken on purpose: %s\n", t.name, tech.breaks)
	}
	start := time.Now()
	err := t.inside(ctx, opts.keep, tech.run)
	switch {
	case errors.Is(err, errCannot):
		fmt.Fprintf(out, "%s: CANNOT RUN: %v\n", t.name, err)
		return exitCannot
	case err != nil:
		t.fail("%v", err)
	}
	fmt.Fprintf(out, "%s: %s in %.0f s\n", t.name, t.verdict(), time.Since(start).Seconds())
	if t.failures > 0 {
		return exitBroken
	}
	return 0
}

// A trial is one run of a technique. Its methods may be called concurrently, rand's may not.
type trial struct {
	name   string
	quick  bool
	broken bool // this is the negative control
	dir    string
	rand   *rand.Rand

	mu       sync.Mutex
	out      io.Writer
	failures int
}

// inside runs a technique with a directory of its own.
func (t *trial) inside(ctx context.Context, keep bool, run func(context.Context, *trial) error) (err error) {
	if t.dir, err = os.MkdirTemp("", "torture-"); err != nil {
		return err
	}
	if keep {
		t.figure("files in %s", t.dir)
	} else {
		defer os.RemoveAll(t.dir)
	}
	return run(ctx, t)
}

// size is how often to try: the full figure, or CI's.
func (t *trial) size(full, quick int) int {
	if t.quick {
		return quick
	}
	return full
}

// figure prints one line of results.
func (t *trial) figure(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%s: %s\n", t.name, fmt.Sprintf(format, args...))
}

// fail reports a broken promise. The first twenty are printed.
func (t *trial) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures++
	if t.failures <= 20 {
		fmt.Fprintf(t.out, "%s: BROKEN: %s\n", t.name, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (t *trial) verdict() string {
	if t.failures > 0 {
		return fmt.Sprintf("%d promises broken", t.failures)
	}
	return "every promise held"
}

// cannot says why a technique cannot run here.
func cannot(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errCannot, fmt.Sprintf(format, args...))
}
