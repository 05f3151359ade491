package boltfile_test

import (
	"bytes"
	"testing"
)

// FuzzSalvage: whatever the bytes, the salvage returns, reads no more than the file has some
// times over, and what it passes on lies in the file. The input is as in FuzzVerify.
func FuzzSalvage(f *testing.F) {
	base := smallImage(f)
	f.Add([]byte{}, true, uint32(0))
	f.Add([]byte{0, 0, 16 + 16, 1}, true, uint32(0))
	f.Add([]byte{0, 8, 8, 3, 0, 8, 10, 1}, false, uint32(0))
	f.Add([]byte{0, 0, 16, 9, 0, 4, 16, 9}, false, uint32(0))
	f.Add([]byte{}, false, uint32(3000))
	f.Fuzz(func(t *testing.T, changes []byte, fix bool, size uint32) {
		im := changed(base, changes, fix, size)
		r := &countingReader{Reader: bytes.NewReader(im)}
		s := salvage(t, im, r)
		if s.outside != nil {
			t.Error(s.outside)
		}
		if r.bytes > 40*len(im)+1<<20 {
			t.Errorf("%d bytes read of a file of %d", r.bytes, len(im))
		}
	})
}
