//go:build linux

package trial

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
)

// A Trial is one run of a technique. Its methods may be called concurrently, Rand's may not.
type Trial struct {
	Quick  bool
	Broken bool   // this is the negative control
	Dir    string // of its own, private, empty at first
	Rand   *rand.Rand

	name     string
	mu       sync.Mutex
	out      io.Writer
	failures int
	printed  int      // of failures, in this check if there are several
	blind    []string // the checks that a negative control got past; see Each
}

// inside runs a technique with a directory of its own.
func (t *Trial) inside(ctx context.Context, keep bool, run func(context.Context, *Trial) error) (err error) {
	if t.Dir, err = os.MkdirTemp("", "torture-"); err != nil {
		return err
	}
	if keep {
		t.Figure("files in %s", t.Dir)
	} else {
		defer os.RemoveAll(t.Dir)
	}
	return run(ctx, t)
}

// Size is how often to try: the full figure, or CI's.
func (t *Trial) Size(full, quick int) int {
	if t.Quick {
		return quick
	}
	return full
}

// Figure prints one line of results.
func (t *Trial) Figure(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.out, "%s: %s\n", t.name, fmt.Sprintf(format, args...))
}

// Fail reports a broken promise. The first twenty are printed, of a negative control's two.
func (t *Trial) Fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures++
	if t.printed++; t.printed <= t.most() {
		fmt.Fprintf(t.out, "%s: BROKEN: %s\n", t.name, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

// most is how many failures are printed; see Fail.
func (t *Trial) most() int {
	if t.Broken {
		return 2 // enough to see that they are the right ones
	}
	return 20
}

// Failures returns how many promises were broken so far.
func (t *Trial) Failures() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failures
}

func (t *Trial) verdict() string {
	switch {
	case len(t.blind) > 0:
		return "unnoticed by " + strings.Join(t.blind, ", ")
	case t.failures > 0:
		return fmt.Sprintf("%d promises broken", t.failures)
	}
	return "every promise held"
}
