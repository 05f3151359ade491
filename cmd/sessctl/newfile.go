package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// writeNew has write fill a new file at path that only this user can read. After a failure there
// is nothing at path.
func writeNew(path string, write func(io.Writer) error) error {
	path, err := destination(path)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".tmp*") // of mode 0600
	if err != nil {
		return fmt.Errorf("create %s: %w", path, errors.Unwrap(err))
	}
	defer os.Remove(tmp.Name())
	err = write(tmp)
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if os.Link(tmp.Name(), path) == nil {
		return nil
	}
	// There may be no links here, or path was taken meanwhile.
	if _, err := destination(path); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
