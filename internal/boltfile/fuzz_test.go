package boltfile_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

// smallImage returns a store with pages of 1 KiB, so that a fuzzer gets round in it.
func smallImage(f *testing.F) image {
	path := filepath.Join(f.TempDir(), "small.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: 1024, Timeout: time.Second})
	if err != nil {
		f.Fatal(err)
	}
	if err := db.Update(fill(12)); err != nil {
		f.Fatal(err)
	}
	if err := change(db, "once more"); err != nil {
		f.Fatal(err)
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	return mustRead(f, path)
}

// FuzzVerify: whatever the bytes, the verifier returns, reads no more than the file has a few
// times over, and what it lets pass bbolt opens and reads without a fault. The input is a row of
// changes to a sound file (where, 3 bytes; what, 1 byte); after them the checksums of the meta
// pages are made right again if fix is set, or else hardly any change to them would count.
func FuzzVerify(f *testing.F) {
	base := smallImage(f)
	f.Add([]byte{}, true, uint32(0))
	f.Add([]byte{0, 0, 16 + 16, 1}, true, uint32(0))
	f.Add([]byte{0, 8, 8, 3, 0, 8, 10, 1}, false, uint32(0))
	f.Add([]byte{0, 0, 56, 9}, true, uint32(1<<20))
	f.Add([]byte{}, false, uint32(3000))
	f.Fuzz(func(t *testing.T, changes []byte, fix bool, size uint32) {
		im := changed(base, changes, fix, size)
		r := &countingReader{Reader: bytes.NewReader(im)}
		_, err := boltfile.VerifyAt(t.Context(), r, int64(len(im)), nil)
		if r.bytes > 3*len(im)+1<<16 {
			t.Errorf("%d bytes read of a file of %d", r.bytes, len(im))
		}
		if err == nil {
			mustOpen(t, im)
		}
	})
}

// changed returns base with a row of changes; see FuzzVerify.
func changed(base image, changes []byte, fix bool, size uint32) image {
	im := bytes.Clone(base)
	for ; len(changes) >= 4; changes = changes[4:] {
		at := binary.BigEndian.Uint32(append([]byte{0}, changes[:3]...))
		im[int(at)%len(im)] ^= changes[3]
	}
	if fix {
		fixSum(im[16:])
		fixSum(im[1024+16:])
	}
	if size > 0 && int(size) < len(im) {
		im = im[:size]
	}
	return im
}

func fixSum(m []byte) {
	im := append(make(image, 16), m[:64]...)
	im.setMetaOf(0, 0, uint64(boltfile.Order.Uint32(m)))
	copy(m, im[16:])
}

// mustOpen opens and reads what the verifier let pass.
func mustOpen(t *testing.T, im image) {
	path := filepath.Join(t.TempDir(), "passed.db")
	if err := os.WriteFile(path, im, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := boltfile.Open(context.Background(), path, boltfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := digestOf(f.DB()); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := boltfile.Verify(context.Background(), path, nil); err != nil {
		t.Errorf("sound before a commit, damaged after: %v", err)
	}
}

type countingReader struct {
	*bytes.Reader
	bytes int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	c.bytes += len(p)
	return c.Reader.ReadAt(p, off)
}
