//go:build linux

package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// How a technique ends, as the program's exit code.
const (
	Held   = 0 // every promise held
	Broken = 1
	Usage  = 2
	Unable = 3 // it cannot run here
)

// A Technique is one way to break the promises.
type Technique struct {
	Name   string
	What   string // what is done, in a few words
	Proves string // numbers of the requirements, "1, 8"
	Breaks string // what its negative control breaks, in a few words
	Run    func(context.Context, *Trial) error
}

// Options say how to run techniques.
type Options struct {
	Quick bool // the small size that CI runs
	Break bool // the negative control instead
	Both  bool // the technique, and then its negative control
	Keep  bool // the files it worked on
	Seed  uint64
}

// errCannot: the technique cannot run on this machine.
var errCannot = errors.New("cannot run here")

// Cannot says why a technique cannot run here.
func Cannot(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errCannot, fmt.Sprintf(format, args...))
}

// Try runs a technique, or its negative control, or both, and says how that ended. A negative control
// ends as it has to when it is Broken.
func (tech Technique) Try(ctx context.Context, opts Options, out io.Writer) int {
	if !opts.Both {
		return tech.once(ctx, opts, out)
	}
	opts.Break = false
	code := tech.once(ctx, opts, out)
	if code == Unable {
		return code
	}
	opts.Break = true
	switch control := tech.once(ctx, opts, out); control {
	case Held:
		fmt.Fprintf(out, "%s: BROKEN: the negative control (%s) went unnoticed\n", tech.Name, tech.Breaks)
		return Broken
	case Unable:
		return Worse(code, control)
	}
	return code
}

// Worse prefers a broken promise over a technique that could not run, and that over success.
func Worse(a, b int) int {
	if a == Broken || b == Broken {
		return Broken
	}
	return max(a, b)
}

func (tech Technique) once(ctx context.Context, opts Options, out io.Writer) int {
	t := &Trial{name: tech.Name, Quick: opts.Quick, Broken: opts.Break, out: out, Rand: random(opts.Seed, tech.Name)}
	if t.Broken {
		t.name += " -break"
		fmt.Fprintf(out, "%s: with this broken on purpose: %s\n", t.name, tech.Breaks)
	}
	start := time.Now()
	err := t.inside(ctx, opts.Keep, tech.Run)
	switch {
	case errors.Is(err, errCannot):
		fmt.Fprintf(out, "%s: CANNOT RUN: %v\n", t.name, err)
		return Unable
	case err != nil:
		t.Fail("%v", err)
	}
	fmt.Fprintf(out, "%s: %s in %.0f s\n", t.name, t.verdict(), time.Since(start).Seconds())
	if t.failures > 0 && len(t.blind) == 0 {
		return Broken
	}
	return Held
}

// random starts a technique's choices from the seed and its name, so that each can be run alone
// and make the same ones.
func random(seed uint64, name string) *rand.Rand {
	stream := uint64(0)
	for _, c := range name {
		stream = stream*131 + uint64(c)
	}
	return rand.New(rand.NewPCG(seed, stream))
}
