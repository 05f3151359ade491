package boltfile

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// Build makes a new file at dest, which must not exist (fs.ErrExist), of what fill puts into an
// empty one, in as many transactions as it likes. Like a backup it is private to this user, on
// disk and verified before it gets its name, by check, which is given the name it has until then:
// after any failure, or a crash, there is nothing under dest. If owner is not nil, root gives the
// file to the owner of that one.
func Build(dest string, owner os.FileInfo, fill func(*bbolt.DB) error, check func(path string) error) error {
	dest, err := filepath.Abs(dest)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dest); err == nil {
		return &fs.PathError{Op: "create", Path: dest, Err: fs.ErrExist}
	}
	sweep(dest)
	sweepAll(filepath.Dir(dest))
	tmp, err := createTemp(dest)
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	if owner != nil {
		if err := copyOwner(tmp, owner); err != nil {
			return fmt.Errorf("create file: %w", err)
		}
	}
	if err := fillFile(tmp, fill); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if err := check(tmp.Name()); err != nil {
		return fmt.Errorf("verify file: %w", err)
	}
	if err := publish(tmp.Name(), dest); err != nil {
		return fmt.Errorf("name file: %w", err)
	}
	if err := syncDir(filepath.Dir(dest)); err != nil {
		os.Remove(dest)
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// fillFile makes the empty file tmp a bbolt file, has it filled, puts it on disk and closes it.
func fillFile(tmp *os.File, fill func(*bbolt.DB) error) error {
	db, err := openDB(tmp, Options{})
	if err != nil {
		return err
	}
	// Until the file is whole nobody looks at it: one sync at the end is enough.
	db.NoSync, db.NoGrowSync = true, true
	f := &File{db: db, file: tmp, path: tmp.Name()}
	err = Guard(func() error {
		if err := fill(db); err != nil {
			return err
		}
		if err := f.storeFreelist(); err != nil {
			return err
		}
		return tmp.Sync()
	})
	if closeErr := f.closeWithin(closeWait); err == nil {
		err = closeErr
	}
	return err
}
