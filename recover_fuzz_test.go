package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzRecover: whatever is damaged, Recover returns, leaves the file as it is and makes a sound
// store or none. What it recovers was stored in just that way, and had not ended, unless the
// report says that the file cannot tell that any more. The input is a row of changes to a file
// (where, 3 bytes; what, 1 byte; of a length, 2 bytes) and where to cut it off.
func FuzzRecover(f *testing.F) {
	p, size := newPast(f, 60), os.Getpagesize()
	change := func(at int, what byte, n int) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(at))[1:], what, byte(n>>8), byte(n))
	}
	f.Add([]byte{}, true, uint32(0))
	f.Add([]byte{}, false, uint32(0))
	f.Add(change(16+16, 1, 1), true, uint32(0))                                                  // a meta page
	f.Add(append(change(16, 9, 4), change(size+16, 9, 4)...), true, uint32(0))                   // both
	f.Add([]byte{}, false, uint32(3*size))                                                       // cut
	f.Add(append(change(16, 9, 4), change(len(p.closed)/2, 0x55, size)...), false, uint32(9999)) // one, and a page
	for at := 2 * size; at < len(p.crashed); at += size {
		f.Add(change(at, 0xff, size), true, uint32(0))
		f.Add(change(at+8, 3, 8), false, uint32(0))
	}
	f.Fuzz(func(t *testing.T, changes []byte, crashed bool, cut uint32) {
		im := bytes.Clone(p.closed)
		if crashed {
			im = bytes.Clone(p.crashed)
		}
		for ; len(changes) >= 6; changes = changes[6:] {
			at := int(binary.BigEndian.Uint32(append([]byte{0}, changes[:3]...))) % len(im)
			for i := range min(int(binary.BigEndian.Uint16(changes[4:])), len(im)-at) {
				im[at+i] ^= changes[3]
			}
		}
		if cut > 0 && int(cut) < len(im) {
			im = im[:cut]
		}
		p.recoverAny(t, im)
	})
}

// recoverAny recovers a file that may be damaged beyond recovery.
func (p *past) recoverAny(t *testing.T, im []byte) {
	t.Helper()
	dir := t.TempDir()
	bad, good := filepath.Join(dir, "bad.db"), filepath.Join(dir, "good.db")
	write(t, bad, im)
	report, err := Recover(t.Context(), bad, good, nil)
	if !bytes.Equal(read(t, bad), im) {
		t.Error("the damaged file was changed")
	}
	if err != nil {
		if !errors.Is(err, errNothing) && !errors.Is(err, ErrFormat) {
			t.Errorf("Recover = %v", err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
			t.Errorf("after a failure there is %q", left)
		}
		return
	}
	// Without the last commit's meta page or root nobody knows what ended in it.
	lastLost := len(report.Problems) > 0 && report.Problems[0].Page < 2
	back := func(id ID) bool { return report.Unconfirmed > 0 || lastLost && id == p.last }
	if n := p.compare(t, good, back); n != report.Sessions {
		t.Errorf("%d sessions are there, %d were reported", n, report.Sessions)
	}
}
