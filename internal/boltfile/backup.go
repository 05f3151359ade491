package boltfile

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes a consistent copy of the running file f to dest, which must not exist
// (fs.ErrExist). The copy is private to this user, on disk, and verified before it gets its name;
// after any failure, or a crash, there is nothing under dest.
//
// It reads through the open descriptor, so it copies what is open whatever the path may name, but
// refuses (ErrReplaced) when the two differ. stop is asked between chunks, and once more at the
// end; its error ends the backup. It is for a store that had an uncertain commit: pages of the
// snapshot may be overwritten then. nil never stops.
//
// copied is called as soon as f is not needed any more: syncing and verifying the copy can take far
// longer, and whoever waits for f need not wait for that. A write that has to enlarge the mapping
// waits for the copying to end.
func Backup(ctx context.Context, f *File, dest string, stop func() error, copied func()) error {
	dest, err := filepath.Abs(dest)
	if err != nil {
		return err
	}
	if err := f.CheckPath(); err != nil {
		return err
	}
	if _, err := os.Lstat(dest); err == nil {
		return &fs.PathError{Op: "backup", Path: dest, Err: fs.ErrExist}
	}
	sweep(dest)
	sweepAll(filepath.Dir(dest))
	tmp, err := createTemp(dest)
	if err != nil {
		return fmt.Errorf("create backup: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if err := writeBackup(ctx, f, tmp, stopper(ctx, stop), copied); err != nil {
		return fmt.Errorf("write backup: %w", err)
	}
	if err := publish(tmp.Name(), dest); err != nil {
		return fmt.Errorf("name backup: %w", err)
	}
	if err := syncDir(filepath.Dir(dest)); err != nil {
		os.Remove(dest)
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// writeBackup copies f to tmp, calls copied, puts it on disk and verifies it.
func writeBackup(ctx context.Context, f *File, tmp *os.File, stop func() error, copied func()) error {
	w := &stopWriter{w: tmp, stop: stop}
	var txid int
	err := Guard(func() error {
		tx, err := f.Begin(false)
		if err != nil {
			return err
		}
		defer f.End(tx)
		txid = tx.ID()
		if _, err := tx.WriteTo(w); w.err == nil {
			return err
		}
		return w.err // bbolt's does not wrap it
	})
	if err == nil {
		err = stop()
	}
	if err != nil {
		return err
	}
	copied()
	if err := tmp.Sync(); err != nil {
		return err
	}
	report, err := verifyFile(ctx, tmp.Name(), tmp, nil)
	if err == nil && report.TxID != uint64(txid) {
		err = fmt.Errorf("copy is of transaction %d instead of %d", report.TxID, txid)
	}
	return err
}

// stopper returns a function that tells when to stop, and why.
func stopper(ctx context.Context, stop func() error) func() error {
	return func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if stop == nil {
			return nil
		}
		return stop()
	}
}

// stopWriter is a writer that can be stopped between two writes. It has no ReadFrom, so that
// io.Copy writes in chunks.
type stopWriter struct {
	w    io.Writer
	stop func() error
	err  error
}

// Write implements io.Writer.
func (s *stopWriter) Write(p []byte) (n int, err error) {
	if err = s.stop(); err == nil {
		n, err = s.w.Write(p)
	}
	s.err = err
	return n, err
}
