package boltfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Compaction is a verified, compact copy of an open file that is ready to take its place.
type Compaction struct {
	old, new *File
	txid     int    // of the last transaction that the copy has
	tmp      string // the copy's name until Swap
}

// Compact replaces the open file f by a copy without free pages and returns the copy, opened
// with o. Nothing may be committed meanwhile (ErrChanged), and readers must have ended by the
// time the old file is closed: use PrepareCompact and Swap to have them only wait for the swap.
// For stop see Backup.
//
// When it fails, f stays open and its file intact, with one exception: ErrSwapped says that the
// copy has the path already but that this may not be on disk. Close f and Reopen the path then. After a crash at any moment the path names either file, whole.
func Compact(ctx context.Context, f *File, o Options, stop func() error) (*File, error) {
	c, err := PrepareCompact(ctx, f, o, stop)
	if err != nil {
		return nil, err
	}
	return c.Swap()
}

// PrepareCompact is the long part of Compact: it copies f and verifies the copy, beside readers.
// The caller ends with Swap or Discard.
func PrepareCompact(ctx context.Context, f *File, o Options, stop func() error) (*Compaction, error) {
	if f.opts.ReadOnly || o.ReadOnly {
		return nil, fmt.Errorf("compact file: %w", berrors.ErrDatabaseReadOnly)
	}
	o = o.withDefaults()
	if err := f.CheckPath(); err != nil {
		return nil, err
	}
	sweep(f.path)
	tmp, err := createTemp(f.path)
	if err != nil {
		return nil, fmt.Errorf("create copy: %w", err)
	}
	c := &Compaction{old: f, tmp: tmp.Name()}
	var keys uint64
	err = copyOwner(tmp, f.info)
	if err == nil {
		c.txid, keys, err = copyDB(f.db, tmp, stopper(ctx, stop))
	}
	if err == nil {
		err = c.open(ctx, o, keys)
	}
	if err != nil {
		tmp.Close()
		os.Remove(c.tmp)
		return nil, fmt.Errorf("compact file: %w", err)
	}
	return c, nil
}

// open locks, verifies and opens the finished copy under its temporary name, so that nobody can
// get hold of it between its taking the path and its being opened.
func (c *Compaction) open(ctx context.Context, o Options, keys uint64) error {
	f, info, err := openLocked(ctx, c.tmp, o, time.Now().Add(o.Timeout))
	if err != nil {
		return err
	}
	o.Uncached = false
	c.new, err = newFile(ctx, c.tmp, f, info, o)
	if err != nil {
		return err
	}
	if got := c.new.report.Keys; got != keys {
		return errors.Join(fmt.Errorf("the copy has %d keys instead of %d", got, keys), c.new.CloseDirty())
	}
	return nil
}

// Swap puts the copy in the place of the file and closes the old one, waiting for its readers.
// See Compact for what an error means.
func (c *Compaction) Swap() (*File, error) {
	if err := c.check(); err != nil {
		c.Discard()
		return nil, err
	}
	// From here on, a crash leaves the new file: it is synced and holds all that was committed.
	if err := os.Rename(c.tmp, c.old.path); err != nil {
		c.Discard()
		return nil, fmt.Errorf("replace file: %w", err)
	}
	c.new.path = c.old.path
	if err := syncDir(filepath.Dir(c.old.path)); err != nil {
		c.new.CloseDirty()
		return nil, fmt.Errorf("%w: sync directory: %w", ErrSwapped, err)
	}
	if err := c.old.CloseDirty(); err != nil {
		c.new.opts.Warn(fmt.Sprintf("%s: close the file before compaction: %v", c.old.path, err))
	}
	return c.new, nil
}

// check returns why the copy must not take the place of the file.
func (c *Compaction) check() error {
	if err := c.old.CheckPath(); err != nil {
		return err
	}
	tx, err := c.old.Begin(false)
	if err != nil {
		return err
	}
	defer c.old.End(tx)
	if tx.ID() != c.txid {
		return ErrChanged
	}
	return nil
}

// Discard closes and removes the copy; the file stays as it is.
func (c *Compaction) Discard() error {
	return errors.Join(c.new.CloseDirty(), os.Remove(c.tmp))
}

// copyDB copies all buckets of src into the empty file tmp, puts it on disk and closes it. It
// returns the transaction it copied and how many keys that had.
func copyDB(src *bbolt.DB, tmp *os.File, stop func() error) (txid int, keys uint64, err error) {
	dst, err := openDB(tmp, Options{})
	if err != nil {
		return 0, 0, err
	}
	// Until the copy is whole nobody looks at it: one sync at the end is enough.
	dst.NoSync, dst.NoGrowSync = true, true
	err = Guard(func() error {
		return src.View(func(tx *bbolt.Tx) error {
			txid = tx.ID()
			c := &copier{dst: dst, stop: stop}
			defer func() { keys = c.keys }()
			return c.copy(tx)
		})
	})
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := (&File{db: dst, file: tmp, path: tmp.Name()}).closeWithin(closeWait); err == nil {
		err = closeErr
	}
	return txid, keys, err
}
