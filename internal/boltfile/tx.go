package boltfile

import (
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// beginner begins transactions one at a time, as bbolt does. bbolt reads the meta page with a lock held
// that is never released if that faults, as it does when somebody truncates the file: each later
// Begin, and the end of each transaction under way, would wait for ever.
type beginner struct {
	mu    sync.Mutex
	stuck atomic.Bool // a Begin panicked
}

// errStuck is what transactions fail with that would have to wait for ever.
var errStuck = &PanicError{Reason: "the meta page cannot be read"}

// Begin begins a transaction, which ends with End or with its Commit. It panics as bbolt does: call
// it within Guard.
func (f *File) Begin(writable bool) (*bbolt.Tx, error) {
	b := &f.begins
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stuck.Load() {
		return nil, errStuck
	}
	returned := false
	defer func() {
		if !returned {
			b.stuck.Store(true)
		}
	}()
	tx, err := f.db.Begin(writable)
	returned = true
	return tx, err
}

// End ends a transaction without a commit; after one it does nothing. It never waits for a Begin,
// which may be waiting for it.
func (f *File) End(tx *bbolt.Tx) {
	if !f.begins.stuck.Load() {
		tx.Rollback() // there is nothing to be done about an error
	}
}

// View calls fn with a read transaction, within Guard.
func (f *File) View(fn func(*bbolt.Tx) error) error {
	return Guard(func() error {
		tx, err := f.Begin(false)
		if err != nil {
			return err
		}
		defer f.End(tx)
		return fn(tx)
	})
}
