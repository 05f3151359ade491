//go:build !linux

package boltfile

import "os"

// allocate makes the file at least that large.
func allocate(f *os.File, _, to, size int64) error { return truncate(f, max(to, size)) }
