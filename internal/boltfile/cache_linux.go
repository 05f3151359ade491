//go:build linux && (amd64 || arm64)

package boltfile

import (
	"os"
	"syscall"
)

// dropCache asks the kernel to forget the clean pages it has cached of f. It is an advice, and
// pages that some mapping uses stay, so nothing depends on its success.
func dropCache(f *os.File) {
	const dontNeed = 4 // POSIX_FADV_DONTNEED
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	conn.Control(func(fd uintptr) { syscall.Syscall6(syscall.SYS_FADVISE64, fd, 0, 0, dontNeed, 0, 0) })
}
