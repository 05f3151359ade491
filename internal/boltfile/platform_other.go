//go:build !((darwin || dragonfly || freebsd || linux || netbsd || openbsd) && !android)

package boltfile

import (
	"os"
	"syscall"
)

// Here bbolt's own lock is the only one, taken after the verification; owners and modes mean
// something else and are not looked at; directories cannot be synced.

const openFlags = 0

var fullErrnos = []error{syscall.ENOSPC, syscall.EFBIG, syscall.EDQUOT}

func checkDir(dir string, _ func(string)) error {
	_, err := os.Stat(dir)
	return err
}

func checkOwner(string, os.FileInfo) error          { return nil }
func copyOwner(*os.File, os.FileInfo) error         { return nil }
func tryLock(*os.File, bool) (free bool, err error) { return true, nil }
func unlock(*os.File)                               {}
func syncDir(string) error                          { return nil }
