package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Extend has the file take up size bytes on the disk, where the system can do that: writes below it
// find room then, whatever else fills the disk. Bytes before used are taken up already. IsFull says
// whether an error means that there is no room; nothing has changed then.
func (f *File) Extend(used, size int64) error {
	info, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("extend file: %w", err)
	}
	if size <= info.Size() {
		return nil
	}
	if err := allocate(f.file, min(used, info.Size()), size); err != nil {
		return &fs.PathError{Op: "write", Path: f.path, Err: err}
	}
	// The new size goes to the disk now, as when bbolt grows a file: some file systems forget it
	// at a power cut otherwise.
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("extend file: %w", err)
	}
	return nil
}

// Size returns the file's size, which is up to where it was extended.
func (f *File) Size() (int64, error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// truncate sets a file's size, with the bare error.
func truncate(f *os.File, size int64) error {
	err := f.Truncate(size)
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
