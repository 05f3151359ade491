package boltfile_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
)

var errStop = errors.New("stop now")

// stopAfter returns a stop function that fails once, after n calls.
func stopAfter(n int) func() error {
	return func() error {
		if n--; n == -1 {
			return errStop
		}
		return nil
	}
}

func TestBackup(t *testing.T) {
	path := newStore(t, 1000)
	f := open(t, path, boltfile.Options{})
	dir := t.TempDir()
	dest := filepath.Join(dir, "copy.db")
	if err := boltfile.Backup(t.Context(), f, dest, nil, func() {}); err != nil {
		t.Fatal(err)
	}
	mustBeAlone(t, dir, "copy.db")
	copied := open(t, dest, boltfile.Options{Visit: checkSum})
	if mustDigest(t, copied) != mustDigest(t, f) {
		t.Error("the copy differs")
	}
	info, err := os.Stat(dest)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", info.Mode(), err)
	}
}

// A backup under writers is of one moment: their two records always change together.
func TestBackupUnderWriters(t *testing.T) {
	f := open(t, newStore(t, 1000), boltfile.Options{InitialMmapSize: 64 << 20})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	seen := map[string]bool{mustDigest(t, f): true}
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			err := change(f.DB(), fmt.Sprint("write ", i))
			digest, digestErr := digestOf(f.DB())
			if err := errors.Join(err, digestErr); err != nil {
				t.Error(err)
				return
			}
			seen[digest] = true
		}
	})
	dir := t.TempDir()
	for i := range 5 {
		if err := boltfile.Backup(ctx, f, filepath.Join(dir, fmt.Sprint(i)), nil, func() {}); err != nil {
			t.Error(err)
		}
	}
	cancel()
	wg.Wait()
	for i := range 5 {
		if !seen[mustDigest(t, open(t, filepath.Join(dir, fmt.Sprint(i)), boltfile.Options{}))] {
			t.Errorf("backup %d is of no commit", i)
		}
	}
}

func TestBackupLeavesExisting(t *testing.T) {
	path := newStore(t, 10)
	f := open(t, path, boltfile.Options{})
	dest := filepath.Join(t.TempDir(), "mine")
	if err := os.WriteFile(dest, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dest, path} {
		if err := boltfile.Backup(t.Context(), f, d, nil, func() {}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Backup = %v, want fs.ErrExist", err)
		}
	}
	// One that appears while the backup runs is safe as well.
	late := filepath.Join(t.TempDir(), "late")
	err := boltfile.Backup(t.Context(), f, late, func() error { return os.WriteFile(late, []byte("precious"), 0o600) }, func() {})
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("Backup = %v, want fs.ErrExist", err)
	}
	mustBeAlone(t, filepath.Dir(late), "late")
	if string(mustRead(t, dest)) != "precious" || string(mustRead(t, late)) != "precious" {
		t.Error("Backup overwrote a file")
	}
}

func TestBackupStopped(t *testing.T) {
	f := open(t, newStore(t, 1000), boltfile.Options{})
	dir := t.TempDir()
	dest := filepath.Join(dir, "copy.db")
	for _, n := range []int{0, 1, 2, 5, 10} {
		if err := boltfile.Backup(t.Context(), f, dest, stopAfter(n), func() {}); !errors.Is(err, errStop) {
			t.Errorf("Backup stopped after %d = %v, want errStop", n, err)
		}
		mustBeAlone(t, dir)
	}
	// The last question comes when all is copied: pages may have been overwritten till then.
	report := f.Report()
	atEnd := func() error {
		names, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(names) != 1 {
			return fmt.Errorf("files: %q, %v", names, err)
		}
		if info, err := os.Stat(names[0]); err != nil || info.Size() < int64(report.Pages)*int64(report.PageSize) {
			return err
		}
		return errStop
	}
	if err := boltfile.Backup(t.Context(), f, dest, atEnd, func() {}); !errors.Is(err, errStop) {
		t.Errorf("Backup stopped at the end = %v, want errStop", err)
	}
	mustBeAlone(t, dir)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := boltfile.Backup(ctx, f, dest, nil, func() {}); !errors.Is(err, context.Canceled) {
		t.Errorf("Backup = %v, want context.Canceled", err)
	}
	mustBeAlone(t, dir)
}

// Damage that came after Open does not become a backup.
func TestBackupVerifies(t *testing.T) {
	path := newStore(t, 1000)
	f := open(t, path, boltfile.Options{})
	im := image(mustRead(t, path))
	_, _, global := im.bucket(t, "sessions", "global")
	w, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.WriteAt(make([]byte, 16), int64(im.page(global).Child(2)*pageSize)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	err = boltfile.Backup(t.Context(), f, filepath.Join(dir, "copy.db"), nil, func() {})
	var damage *boltfile.DamageError
	if !errors.As(err, &damage) {
		t.Errorf("Backup = %v, want a DamageError", err)
	}
	mustBeAlone(t, dir)
}

// TestBackupNeedsTheFileUntilItIsCopied: the file is needed only until it is copied; the copy has no name yet then.
func TestBackupNeedsTheFileUntilItIsCopied(t *testing.T) {
	f := bloated(t)
	dest, copied := filepath.Join(t.TempDir(), "copy.db"), 0
	err := boltfile.Backup(t.Context(), f, dest, nil, func() {
		copied++
		if _, err := os.Stat(dest); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the copy has its name before it is verified: %v", err)
		}
		if err := f.Close(); err != nil { // nobody holds it any more
			t.Error(err)
		}
	})
	if err != nil || copied != 1 {
		t.Fatalf("Backup = %v, copied %d times", err, copied)
	}
	if _, err := boltfile.Verify(t.Context(), dest, nil); err != nil {
		t.Error(err)
	}
}
