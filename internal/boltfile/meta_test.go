package boltfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

// TestBothMetasLeadToTheData: whichever meta page of a new or compacted file is damaged, the other
// one leads to what is in it.
func TestBothMetasLeadToTheData(t *testing.T) {
	for _, name := range []string{"created", "compacted"} {
		for meta := range int64(2) {
			path := filepath.Join(t.TempDir(), "a.db")
			f := open(t, path, boltfile.Options{Init: func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("b"))
				return err
			}})
			if name == "compacted" {
				compact, err := boltfile.Compact(t.Context(), f, boltfile.Options{}, nil)
				if err != nil {
					t.Fatal(err)
				}
				f = compact
			}
			pageSize := int64(f.Report().PageSize)
			if err := f.CloseDirty(); err != nil {
				t.Fatal(err)
			}
			file, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.WriteAt(make([]byte, 64), meta*pageSize+16); err != nil {
				t.Fatal(err)
			}
			if err := file.Close(); err != nil {
				t.Fatal(err)
			}
			report, err := boltfile.Verify(t.Context(), path, nil)
			if _, ok := report.Buckets["b"]; err != nil || !ok {
				t.Errorf("%s, meta %d damaged: %v, buckets %v", name, meta, err, report.Buckets)
			}
		}
	}
}
