package boltfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

// TestBackupSweepsItsDirectory: backups often have the date in their names. What is left of one
// that was killed goes with the next, whatever that is called; files of others stay.
func TestBackupSweepsItsDirectory(t *testing.T) {
	store := newStore(t, 10)
	f := open(t, store, boltfile.Options{})
	for name, sweeper := range map[string]func(dest string) error{
		"Backup": func(dest string) error { return boltfile.Backup(t.Context(), f, dest, nil, func() {}) },
		"Build": func(dest string) error {
			none := func(*bbolt.DB) error { return nil }
			return boltfile.Build(dest, nil, none, func(string) error { return nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			old := time.Now().Add(-2 * boltfile.TempAge)
			part := mustRead(t, store)[:5000]
			for name, left := range map[string]struct {
				mtime   time.Time
				content []byte
			}{
				"monday.db.tmp0123456789abcdef":  {old, part},
				"tuesday.db.tmp0123456789abcdef": {old, nil}, // killed before its first write
				"friday.db.tmp0123456789abcdef":  {old, []byte("killed, and whatever is in it")},
				"young.db.tmp0123456789abcdef":   {time.Now(), part},
				"letter.tmp0123456789abcdef":     {old, []byte("Dear reader, this is no backup. It is long enough to be one.")},
				"other.db.tmp":                   {old, part},
				"other.db":                       {old, part},
			} {
				name = filepath.Join(dir, name)
				if err := errors.Join(os.WriteFile(name, left.content, 0o600), os.Chtimes(name, old, left.mtime)); err != nil {
					t.Fatal(err)
				}
			}
			if err := sweeper(filepath.Join(dir, "friday.db")); err != nil {
				t.Fatal(err)
			}
			mustBeAlone(t, dir, "friday.db", "letter.tmp0123456789abcdef", "other.db", "other.db.tmp", "young.db.tmp0123456789abcdef")
		})
	}
}

// TestBackupSweepsNoBackup: a copy that somebody else is making stays, however long it takes.
func TestBackupSweepsNoBackup(t *testing.T) {
	f := open(t, newStore(t, 1000), boltfile.Options{})
	dir := t.TempDir()
	began := false
	err := boltfile.Backup(t.Context(), f, filepath.Join(dir, "slow.db"), func() error {
		if began {
			return nil
		}
		began = true
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(names) != 1 {
			t.Errorf("while it is made there are %q, %v", names, err)
		}
		old := time.Now().Add(-2 * boltfile.TempAge)
		return errors.Join(os.Chtimes(names[0], old, old),
			boltfile.Backup(t.Context(), f, filepath.Join(dir, "quick.db"), nil, func() {}))
	}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	mustBeAlone(t, dir, "quick.db", "slow.db")
}
