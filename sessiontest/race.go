package sessiontest

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// patience returns how long a race of n rounds is repeated with a store that is slow.
func patience(n int) time.Duration {
	return max(250*time.Millisecond, time.Duration(n)*200*time.Microsecond)
}

// rounds calls f n times on so many goroutines, or as often as a slow store can do it in a given
// time, and reports the first error. It is a tenth with -short, and in a bubble, whose clock
// stands still meanwhile.
func (k *kit) rounds(n, workers int, f func() error) {
	k.Helper()
	if testing.Short() || inBubble(k.T) {
		n = max(n/10, 1)
	}
	begin, enough := time.Now(), patience(n)
	var done atomic.Int64
	var failed atomic.Bool
	var work []func() error
	for range workers {
		work = append(work, func() error {
			for done.Add(1) <= int64(n) && !failed.Load() && time.Since(begin) < enough {
				if err := f(); err != nil {
					failed.Store(true)
					return err
				}
			}
			return nil
		})
	}
	if err := together(work...); err != nil {
		k.Fatal(err)
	}
}

// together calls all functions at once, each on a goroutine of its own, and returns their errors
// when all have returned. Schedulers have habits: the order of the start is drawn by lot.
func together(fs ...func() error) error {
	gate := make(chan struct{})
	errs := make([]error, len(fs))
	var ready, done sync.WaitGroup
	for _, i := range rand.Perm(len(fs)) {
		f := fs[i]
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-gate
			for range rand.IntN(4) {
				runtime.Gosched()
			}
			errs[i] = f()
		}()
	}
	ready.Wait()
	close(gate)
	done.Wait()
	return errors.Join(errs...)
}

// times returns n functions made by f.
func times(n int, f func(i int) func() error) []func() error {
	var fs []func() error
	for i := range n {
		fs = append(fs, f(i))
	}
	return fs
}

// orEnded takes ErrNotFound for success: the session may have ended before.
func orEnded(err error) error {
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}
