package sessiontest

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// patience is how long a race is repeated with a store that is slow.
const patience = 2 * time.Second

// rounds calls f n times on so many goroutines, or as often as a slow store can do it within
// patience, and reports the first error. It is a tenth with -short.
func (k *kit) rounds(n, workers int, f func() error) {
	k.Helper()
	if testing.Short() {
		n = max(n/10, 1)
	}
	begin := time.Now()
	var done atomic.Int64
	var failed atomic.Bool
	var work []func() error
	for range workers {
		work = append(work, func() error {
			for done.Add(1) <= int64(n) && !failed.Load() && time.Since(begin) < patience {
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
// when all have returned.
func together(fs ...func() error) error {
	gate := make(chan struct{})
	errs := make([]error, len(fs))
	var ready, done sync.WaitGroup
	for i, f := range fs {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-gate
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
