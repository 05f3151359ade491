//go:build (darwin || dragonfly || freebsd || linux || netbsd || openbsd) && !android

package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// openFlags keep Open from following a symbolic link that took the file's place, and from
// waiting for the other end of a FIFO.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// fullErrnos are the errors of a write that found no room.
var fullErrnos = []error{syscall.ENOSPC, syscall.EFBIG, syscall.EDQUOT}

// checkDir returns ErrPermission if any user may replace files in dir, and ErrNetworkFS.
func checkDir(dir string, warn func(string)) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: make the directory first: mkdir -m 700 %s", err, dir)
	case err != nil:
		return err
	}
	if !info.IsDir() {
		return &os.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	perm, sticky := info.Mode().Perm(), info.Mode()&os.ModeSticky != 0
	if perm&0o002 != 0 && !sticky {
		return fmt.Errorf("%s: %w: the directory is writable by others: run chmod o-w %s", dir, ErrPermission, dir)
	}
	if perm&0o020 != 0 && !sticky {
		warn(dir + ": the directory is writable by its group, whose members can replace the file")
	}
	return checkFS(dir, warn)
}

// checkOwner returns ErrPermission unless the file is ours and nobody else's. Root may open the
// files of others: it can read them anyway.
func checkOwner(path string, info os.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return judgeOwner(path, int(st.Uid), os.Geteuid(), info.Mode().Perm())
}

func judgeOwner(path string, uid, euid int, perm os.FileMode) error {
	if euid != 0 && uid != euid {
		return fmt.Errorf("%s: %w: wrong owner: it belongs to user %d, this program runs as user %d", path, ErrPermission, uid, euid)
	}
	if perm&0o077 != 0 {
		return fmt.Errorf("%s: %w: it is open to others (mode %#o): run chmod 600 %s", path, ErrPermission, perm, path)
	}
	return nil
}

// copyOwner gives f the owner of the file that info is of, so that root can compact a store
// without taking it away from its user.
func copyOwner(f *os.File, info os.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}

// tryLock takes the same lock as bbolt, on the open file description: taking it again through
// the same description succeeds.
func tryLock(f *os.File, exclusive bool) (bool, error) {
	how := syscall.LOCK_SH | syscall.LOCK_NB
	if exclusive {
		how = syscall.LOCK_EX | syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}

// unlock releases the lock; on a file that is closed already it does nothing.
func unlock(f *os.File) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	conn.Control(func(fd uintptr) { syscall.Flock(int(fd), syscall.LOCK_UN) })
}

// syncDir makes the names in dir durable. Where a directory cannot be synced, the system does
// not offer more and nothing can be done.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, os.ErrPermission) {
		return nil // may be entered but not read
	}
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
