package boltfile

import (
	"context"
	"sync/atomic"

	"go.etcd.io/bbolt"
)

// Commit commits tx, a transaction of this file's. It is for one goroutine at a time.
//
// When bbolt's Commit fails it looks for the free pages by scanning the whole file, on a goroutine
// of its own: a page that was damaged since the file was opened ends the process there, and nobody
// can recover that. bbolt logs the failure before it scans. That is where the file is verified: if it
// is damaged, Commit is left by a panic that ends here, and returns the *DamageError. The
// transaction is still open then, to be rolled back without a scan, and the outcome is uncertain.
func (f *File) Commit(tx *bbolt.Tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			left, ok := r.(leftCommit)
			if !ok {
				panic(r)
			}
			err = left.err
		}
	}()
	f.log.armed.Store(true)
	defer f.log.armed.Store(false)
	return tx.Commit()
}

// leftCommit is what the panic carries that leaves bbolt's Commit.
type leftCommit struct{ err error }

// lookout is the logger that bbolt is given. It logs nothing: what bbolt logs has keys.
type lookout struct {
	armed  atomic.Bool // a commit is under way, and has not failed yet
	verify func() error
}

// failed is called for each error that bbolt logs. In a commit the first comes before the scan.
func (l *lookout) failed() {
	if !l.armed.CompareAndSwap(true, false) {
		return
	}
	if err := l.verify(); err != nil {
		panic(leftCommit{err})
	}
}

// verifyOpen verifies the open file, as it is in the page cache.
func (f *File) verifyOpen() error {
	_, err := verifyFile(context.Background(), f.path, f.file, nil)
	return err
}

func (l *lookout) Error(...any)          { l.failed() }
func (l *lookout) Errorf(string, ...any) { l.failed() }
func (*lookout) Debug(...any)            {}
func (*lookout) Debugf(string, ...any)   {}
func (*lookout) Info(...any)             {}
func (*lookout) Infof(string, ...any)    {}
func (*lookout) Warning(...any)          {}
func (*lookout) Warningf(string, ...any) {}
func (*lookout) Fatal(...any)            {}
func (*lookout) Fatalf(string, ...any)   {}
func (*lookout) Panic(...any)            {}
func (*lookout) Panicf(string, ...any)   {}
