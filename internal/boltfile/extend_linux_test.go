package boltfile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

// TestExtend: the file takes up what it is extended to, holes that bbolt left included, and never
// becomes smaller.
func TestExtend(t *testing.T) {
	f, err := boltfile.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), boltfile.Options{
		Init: func(*bbolt.Tx) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before := stat(t, f.Path())
	if err := os.Truncate(f.Path(), 4<<20); err != nil { // as bbolt does
		t.Fatal(err)
	}
	if err := f.Extend(before.Size, 1<<20); err != nil {
		t.Fatal(err)
	}
	if s := stat(t, f.Path()); s.Size != 4<<20 || s.Blocks*512 < 1<<20-before.Size || f.Extent() != 1<<20 {
		t.Errorf("it has %d bytes, takes up %d, and says %d", s.Size, s.Blocks*512, f.Extent())
	}
	for range 2 {
		if err := f.Extend(before.Size, 6<<20); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Extend(before.Size, 5<<20); err != nil {
		t.Fatal(err)
	}
	if s := stat(t, f.Path()); s.Size != 6<<20 || s.Blocks*512 < 5<<20 || f.Extent() != 6<<20 {
		t.Errorf("it has %d bytes, takes up %d, and says %d", s.Size, s.Blocks*512, f.Extent())
	}
}

// TestExtendWithoutRoom: that is a full disk, and certain.
func TestExtendWithoutRoom(t *testing.T) {
	f, err := boltfile.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), boltfile.Options{
		Init: func(*bbolt.Tx) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = f.Extend(0, 1<<62) // no file system takes that
	if !boltfile.IsFull(err) || boltfile.IsUncertain(err) || f.Extent() != 0 {
		t.Errorf("Extend: %v, up to %d", err, f.Extent())
	}
}

func stat(t *testing.T, path string) (s syscall.Stat_t) {
	t.Helper()
	if err := syscall.Stat(path, &s); err != nil {
		t.Fatal(err)
	}
	return s
}
