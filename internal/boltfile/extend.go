package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Extend has the file take up size bytes on the disk, where the system can do that: writes below it
// find room then, whatever else fills the disk. Bytes before used are taken up already. IsFull says
// whether an error means that there is no room; nothing has changed then. It is for the one who
// writes.
func (f *File) Extend(used, size int64) error {
	info, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("extend file: %w", err)
	}
	from := max(f.extent, min(used, info.Size()))
	if size <= from {
		return nil
	}
	if err := allocate(f.file, from, size, info.Size()); err != nil {
		return &fs.PathError{Op: "write", Path: f.path, Err: err}
	}
	if size > info.Size() {
		// The new size goes to the disk now, as when bbolt grows a file: some file systems forget
		// it at a power cut otherwise.
		if err := f.file.Sync(); err != nil {
			return fmt.Errorf("extend file: %w", err)
		}
	}
	f.extent = size
	return nil
}

// Extent is up to where the file was extended. It may be larger, as bbolt grows files too, with
// holes that take up nothing.
func (f *File) Extent() int64 { return f.extent }

// truncate sets a file's size, with the bare error.
func truncate(f *os.File, size int64) error {
	err := f.Truncate(size)
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
