package boltfile

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	tempMark = ".tmp" // a temporary file is named path, tempMark and tempHex hex digits
	tempHex  = 16
	tempAge  = time.Minute // a younger temporary file may not be locked yet
)

// sweep removes what crashes left behind of files that were to become path. A file at work is
// locked from its first moments on, and a young one may be in them. What cannot be removed does
// no harm but for its size, so errors are not reported.
func sweep(path string) {
	dir, base := filepath.Split(path)
	for _, name := range temps(dir) {
		if name[:len(name)-tempHex] == base+tempMark {
			removeStale(filepath.Join(dir, name), func(*os.File) bool { return true })
		}
	}
}

// sweepAll is sweep for a directory in which each new file may have a new name, as backups with
// dates in theirs have: nobody would come back for a path. The names are not ours to know, so only
// what begins as a bbolt file goes, or never got that far.
func sweepAll(dir string) {
	for _, name := range temps(dir) {
		removeStale(filepath.Join(dir, name), beginsAsOurs)
	}
}

// temps returns the names in a directory that are those of temporary files.
func temps(dir string) (names []string) {
	if dir == "" {
		dir = "."
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if isTemp(e.Name()) && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names
}

func isTemp(name string) bool {
	n := len(name) - tempHex
	return n >= len(tempMark) && strings.HasSuffix(name[:n], tempMark) && strings.Trim(name[n:], "0123456789abcdef") == ""
}

// beginsAsOurs says whether f is empty, or its first page is a bbolt file's.
func beginsAsOurs(f *os.File) bool {
	var b [headerSize + 4]byte
	n, err := f.ReadAt(b[:], 0)
	return n == 0 && err == io.EOF || n == len(b) && order.Uint32(b[headerSize:]) == magic
}

// removeStale removes the temporary file name if nobody works on it and it is one that ours
// recognizes.
func removeStale(name string, ours func(*os.File) bool) {
	f, err := os.OpenFile(name, os.O_RDWR|openFlags, 0)
	if err != nil {
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || time.Since(info.ModTime()) < tempAge || checkOwner(name, info) != nil || !ours(f) {
		return
	}
	if free, err := tryLock(f, true); free && err == nil {
		os.Remove(name)
	}
}
