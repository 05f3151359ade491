package boltfile

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// create builds the file at path unless there is one, or o.Init is nil. bbolt's own creation is
// not safe against a power cut, so the file is built under a temporary name and gets its own
// once it is on disk. Of several processes that try, the first to link wins and the others use
// its file. After a crash there is no file under path, or a whole one.
func create(ctx context.Context, path string, o Options) error {
	if _, err := os.Lstat(path); o.Init == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil // what else may be wrong, opening it will tell
	}
	tmp, err := createTemp(path)
	if err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	defer os.Remove(tmp.Name())
	if err := initialize(tmp, o); err != nil {
		return fmt.Errorf("create file: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := publish(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create file: %w", err)
	}
	return nil
}

// initialize makes the empty file tmp a bbolt file on disk, and closes it.
func initialize(tmp *os.File, o Options) error {
	db, err := openDB(tmp, Options{Timeout: o.Timeout, MaxSize: o.MaxSize})
	if err != nil {
		return err
	}
	err = Guard(func() error {
		db.NoFreelistSync = false
		if err := db.Update(o.Init); err != nil {
			return err
		}
		if err := secondMeta(db); err != nil {
			return err
		}
		return tmp.Sync() // the data is synced; this is for the mode and the size
	})
	if closeErr := (&File{db: db, file: tmp}).closeWithin(closeWait); err == nil {
		err = closeErr
	}
	return err
}

// createTemp creates a new, locked file beside path that only this user can read.
func createTemp(path string) (*os.File, error) {
	var b [tempHex / 2]byte
	rand.Read(b[:]) // never fails
	name := path + tempMark + hex.EncodeToString(b[:])
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: user %d cannot create files in %s", err, os.Geteuid(), filepath.Dir(path))
	case errors.Is(err, fs.ErrNotExist):
		dir := filepath.Dir(path)
		return nil, fmt.Errorf("%s: %w: make the directory first: mkdir -m 700 %s", dir, fs.ErrNotExist, dir)
	case err != nil:
		return nil, err
	}
	if _, err := tryLock(f, true); err != nil {
		f.Close()
		os.Remove(name)
		return nil, err
	}
	return f, nil
}

// publish gives the finished file tmp the name path, unless that is taken (fs.ErrExist). The
// link makes both steps one; where there are no links, the gap between them is a moment.
func publish(tmp, path string) error {
	err := os.Link(tmp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, statErr := os.Lstat(path); !errors.Is(statErr, fs.ErrNotExist) {
		return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	return os.Rename(tmp, path)
}
