package session

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestReopenRefusesAReplacedFile: when a failed file is opened again, what somebody put into its
// place meanwhile is not taken for it: sessions that ended since would be back.
func TestReopenRefusesAReplacedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		dir := t.TempDir()
		b := openBoltAtUnchecked(t, filepath.Join(dir, "sessions.db"), &BoltOptions{commit: fail.commit})
		create(t, b, testID(1))
		old := filepath.Join(dir, "old.db")
		if err := b.Backup(t.Context(), old); err != nil {
			t.Fatal(err)
		}
		if err := b.Destroy(t.Context(), testID(1)); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(old, b.path); err != nil {
			t.Fatal(err)
		}
		fail.next(syncFailed)
		s := NewSession(b, testID(2), newMeta(time.Now(), time.Hour, time.Hour))
		if err := s.Save(t.Context()); !errors.Is(err, ErrUncertain) {
			t.Fatalf("Save gave %v, want ErrUncertain", err)
		}
		time.Sleep(time.Minute)
		start := time.Now()
		if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrFailed) {
			t.Errorf("Get of a destroyed session gave %v, want ErrFailed", err)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("a read waited %v for a file that failed a minute ago", took)
		}
		if err := b.Close(); !errors.Is(err, ErrFailed) {
			t.Errorf("Close gave %v, want ErrFailed", err)
		}
	})
}

// TestReapWatchesThePath: each run of the reaper says that the open file is not the one at its path
// any more, and no backup or compaction is made of it.
func TestReapWatchesThePath(t *testing.T) {
	var log bytes.Buffer
	b := openBolt(t, &BoltOptions{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	create(t, b, testID(1))
	warned := func() bool {
		t.Helper()
		log.Reset()
		if _, err := b.Reap(t.Context()); err != nil {
			t.Fatal(err)
		}
		text := log.String()
		return strings.Contains(text, "level=ERROR") && strings.Contains(text, b.path) && strings.Contains(text, "restart")
	}
	mustRename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if warned() {
		t.Errorf("in its place: %s", &log)
	}
	moved := b.path + ".moved"
	mustRename(b.path, moved)
	if !warned() {
		t.Errorf("removed: %s", &log)
	}
	write(t, b.path, []byte("another file"))
	if !warned() {
		t.Errorf("replaced: %s", &log)
	}
	for what, err := range map[string]error{
		"Backup": b.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db")), "Compact": b.Compact(t.Context()),
	} {
		if !errors.Is(err, ErrReplaced) {
			t.Errorf("%s: %v, want ErrReplaced", what, err)
		}
	}
	mustRename(moved, b.path)
	if warned() {
		t.Errorf("back in its place: %s", &log)
	}
	if err := b.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if warned() {
		t.Errorf("compacted: %s", &log)
	}
}
