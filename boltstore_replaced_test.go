package session

import (
	"errors"
	"os"
	"path/filepath"
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
		if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrFailed) {
			t.Errorf("Get of a destroyed session gave %v, want ErrFailed", err)
		}
		if err := b.Close(); !errors.Is(err, ErrFailed) {
			t.Errorf("Close gave %v, want ErrFailed", err)
		}
	})
}
