package boltfile

import (
	"fmt"
	"os"
)

// Source is a file that is open to be read as it is, damaged or not. Nothing is written to it.
type Source struct {
	file   *os.File
	path   string
	info   os.FileInfo
	inUse  bool
	holder string
}

// OpenSource opens a regular file for reading. It takes a shared lock if nobody writes the file,
// so that nobody begins to, and does not wait for one: a file that is in use can still be read,
// but is a moving target.
func OpenSource(path string) (*Source, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if err := checkKind(path, info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	s := &Source{file: f, path: path}
	if s.info, err = f.Stat(); err == nil {
		err = checkKind(path, s.info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	// Where there are no locks nobody can be asked, and reading harms nobody.
	if free, err := tryLock(f, false); err == nil && !free {
		s.inUse, s.holder = true, holder(f)
	}
	return s, nil
}

// ReadAt implements io.ReaderAt.
func (s *Source) ReadAt(p []byte, off int64) (int, error) { return s.file.ReadAt(p, off) }

// Size returns the size of the file now, in bytes: one in use grows.
func (s *Source) Size() (int64, error) {
	info, err := s.file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Info returns what the file was when it was opened.
func (s *Source) Info() os.FileInfo { return s.info }

// InUse returns a *LockedError if another process writes the file.
func (s *Source) InUse() error {
	if !s.inUse {
		return nil
	}
	return &LockedError{Path: s.path, Holder: s.holder}
}

// TxID returns the last commit's number, by which a reader of a file in use sees whether it was
// written to meanwhile.
func (s *Source) TxID() (uint64, error) {
	size, err := s.Size()
	if err != nil {
		return 0, err
	}
	v := &verifier{r: s}
	if err := v.readMeta(size); err != nil {
		return 0, fmt.Errorf("read meta pages: %w", err)
	}
	return v.meta.txid, nil
}

// Close releases the lock and closes the file.
func (s *Source) Close() error {
	unlock(s.file)
	return s.file.Close()
}
