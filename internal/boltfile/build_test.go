package boltfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

// A built file is private, whole and sound, and nothing lies beside it.
func TestBuild(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "new.db")
	err := boltfile.Build(dest, nil, func(db *bbolt.DB) error {
		return errors.Join(db.Update(fill(40)), change(db, "the second transaction"))
	}, func(path string) error {
		report, err := boltfile.Verify(t.Context(), path, checkSum)
		if err == nil && (!report.FreelistSynced || report.Buckets["sessions/global"].Keys != 40) {
			t.Errorf("checked a file of %+v", report)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dest); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	mustBeAlone(t, filepath.Dir(dest), "new.db")
	open(t, dest, boltfile.Options{Visit: checkSum})
}

// When anything fails there is no file, and one that is there stays as it is.
func TestBuildFails(t *testing.T) {
	stop := errors.New("stop")
	sound := func(string) error { return nil }
	dest := filepath.Join(t.TempDir(), "new.db")
	for name, try := range map[string]func() error{
		"fill": func() error {
			return boltfile.Build(dest, nil, func(*bbolt.DB) error { return stop }, sound)
		},
		"fill within a transaction": func() error {
			return boltfile.Build(dest, nil, func(db *bbolt.DB) error {
				return db.Update(func(*bbolt.Tx) error { return stop })
			}, sound)
		},
		"check": func() error {
			return boltfile.Build(dest, nil, func(db *bbolt.DB) error { return db.Update(fill(4)) }, func(string) error { return stop })
		},
	} {
		if err := try(); !errors.Is(err, stop) {
			t.Errorf("%s: Build = %v", name, err)
		}
		mustBeAlone(t, filepath.Dir(dest))
	}
	if err := os.WriteFile(dest, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := boltfile.Build(dest, nil, func(*bbolt.DB) error { t.Error("filled"); return nil }, sound)
	if !errors.Is(err, fs.ErrExist) || string(mustRead(t, dest)) != "mine" {
		t.Errorf("Build = %v", err)
	}
}
