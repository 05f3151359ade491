package boltfile

import (
	"errors"
	"os"
	"syscall"
)

// allocate takes up the bytes between from and to, also when the file is shorter. Most file systems
// can; on others it has a hole there, as bbolt would leave one.
func allocate(f *os.File, from, to, size int64) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		for {
			if failed = syscall.Fallocate(int(fd), 0, from, to-from); !errors.Is(failed, syscall.EINTR) {
				return
			}
		}
	})
	switch {
	case err != nil:
		return err
	case errors.Is(failed, syscall.EOPNOTSUPP), errors.Is(failed, syscall.ENOSYS):
		return truncate(f, max(to, size))
	}
	return failed
}
