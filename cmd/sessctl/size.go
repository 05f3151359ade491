package main

import (
	"fmt"
	"os"

	"github.com/boltsession/session/admin"
)

// onDisk counts as part of the file what it has beyond the last page that was ever used: a store
// counts up to there, ls does not.
func onDisk(s admin.Stats, path string) admin.Stats {
	info, err := os.Stat(path)
	if err != nil || info.Size() <= s.FileBytes {
		return s
	}
	s.FreeBytes += info.Size() - s.FileBytes
	s.FileBytes = info.Size()
	return s
}

// sizeText tells the size of a store's file.
func sizeText(s admin.Stats) string {
	text := fmt.Sprintf("%s, %s of it free", bytesText(s.FileBytes), bytesText(s.FreeBytes))
	if s.Live && s.MaxBytes > 0 { // of a file that no app has open, the limit is not known
		text += ", limit " + bytesText(s.MaxBytes)
	}
	return text
}

// bytesText returns a size for people.
func bytesText(n int64) string {
	size, unit := float64(n), "bytes"
	for _, larger := range []string{"KiB", "MiB", "GiB"} {
		if size < 1024 {
			break
		}
		size, unit = size/1024, larger
	}
	if unit == "bytes" {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}
