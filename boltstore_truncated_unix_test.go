//go:build unix

package session

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestBoltStoreTruncatedWhileOpen: whoever empties the file of a running store gets errors, and no
// call that never returns.
func TestBoltStoreTruncatedWhileOpen(t *testing.T) {
	b := openBoltAtUnchecked(t, filepath.Join(t.TempDir(), "sessions.db"), nil)
	s := create(t, b, testID(1))
	if err := os.Truncate(b.path, 0); err != nil {
		t.Fatal(err)
	}
	var corrupt *CorruptError
	for range 3 {
		if _, err := b.Get(t.Context(), testID(1)); !errors.As(err, &corrupt) {
			t.Errorf("Get gave %v, want a CorruptError", err)
		}
	}
	s.Set("n", 2)
	if err := s.Save(t.Context()); !errors.Is(err, ErrUncertain) {
		t.Errorf("Save gave %v, want ErrUncertain", err)
	}
	if err := b.Close(); err == nil {
		t.Error("Close gave no error")
	}
}
