package boltfile

import (
	"fmt"
	"time"
)

// closeWait is how long CloseDirty waits for transactions to end.
const closeWait = 2 * time.Second

// Close waits for open transactions, stores the list of free pages, so that the next Open need
// not scan the file for it, and releases the lock. Storing the list adds nothing to what was
// committed: when it fails, that is told to Options.Warn and harms only the speed of the next
// Open. A second Close returns nil.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	if f.opts.ReadOnly {
		return f.closeDB()
	}
	if err := Guard(f.storeFreelist); err != nil {
		f.opts.Warn(fmt.Sprintf("%s: cannot store the list of free pages: %v", f.path, err))
		return f.closeWithin(closeWait)
	}
	return f.closeDB()
}

// CloseDirty closes without writing anything, after a commit whose outcome is unknown. The caller
// has ended its transactions; if one does not end, because a panic left bbolt's locks held, the
// file stays mapped, its lock is released all the same, and the error is ErrBusy. It may be
// opened again then, but who still reads the old mapping may read garbage.
func (f *File) CloseDirty() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	return f.closeWithin(closeWait)
}

// storeFreelist commits an empty transaction that, unlike all before, writes the freelist. It
// does not touch a file that has an up-to-date one. A crash during it leaves the last commit.
func (f *File) storeFreelist() error {
	tx, err := f.Begin(true)
	if err != nil {
		return err
	}
	if f.report.FreelistSynced && uint64(tx.ID()) == f.report.TxID+1 {
		return tx.Rollback()
	}
	f.db.NoFreelistSync = false // nobody else reads it: we are the one write transaction
	return tx.Commit()
}

// closeDB closes the database and with it the file. If bbolt panics, the lock is released here.
func (f *File) closeDB() error {
	err := Guard(f.db.Close)
	if err != nil {
		unlock(f.file)
		f.file.Close()
		return fmt.Errorf("close bbolt file: %w", err)
	}
	return nil
}

// closeWithin is closeDB for a database that may be stuck. Its goroutine outlives the call only
// if a transaction does, and ends with it.
func (f *File) closeWithin(wait time.Duration) error {
	done := make(chan error, 1)
	go func() { done <- f.closeDB() }()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		unlock(f.file)
		f.file.Close()
		return fmt.Errorf("%s: %w", f.path, ErrBusy)
	}
}
