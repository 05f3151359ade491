//go:build !linux

package boltfile

import "os"

// allocate makes to the end of the file.
func allocate(f *os.File, _, to int64) error { return truncate(f, to) }
