package session

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// mover moves a damaged file aside, once.
type mover struct {
	path  string
	aside string      // its new name
	info  os.FileInfo // of the file that is to be moved
	err   error       // why it could not be moved while it was open
}

// move renames the file to a name that is free. The file's lock is held, which is on the file and
// not on its name: of several programs that start over a damaged file one moves it, and the others,
// which wait for the lock, see that the path names another file by then. Without the lock the
// second could take the new store of the first for the damaged file.
func (m *mover) move(now time.Time) {
	if m.info, m.err = os.Lstat(m.path); m.err == nil {
		m.aside = freeName(m.path + ".corrupt-" + now.UTC().Format("20060102T150405Z"))
		m.err = os.Rename(m.path, m.aside)
	}
}

// finish moves the file now that it is closed if it could not be moved before: Windows renames no
// open files.
func (m *mover) finish() error {
	if m.err == nil {
		return nil
	}
	now, err := os.Lstat(m.path)
	switch {
	case err != nil:
		return fmt.Errorf("move damaged file aside: %w", errors.Join(m.err, err))
	case m.info == nil || !os.SameFile(now, m.info):
		return fmt.Errorf("move damaged file aside: %s: %w", m.path, ErrReplaced)
	}
	if err := os.Rename(m.path, m.aside); err != nil {
		return fmt.Errorf("move damaged file aside: %w", err)
	}
	return nil
}

// freeName returns name, or name with the first number that no file has.
func freeName(name string) string {
	free := name
	for n := 2; ; n++ {
		if _, err := os.Lstat(free); errors.Is(err, os.ErrNotExist) {
			return free
		}
		free = fmt.Sprintf("%s-%d", name, n)
	}
}
