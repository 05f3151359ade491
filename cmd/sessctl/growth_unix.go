//go:build unix

package main

import (
	"os"
	"syscall"
)

// written returns how much of a file was written. bbolt makes its files larger in advance, so
// their size says little.
func written(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return min(info.Size(), int64(st.Blocks)*512)
	}
	return info.Size()
}
