package session

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestBoltStoreBackup(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		for i := range 50 {
			create(t, b, testID(i))
		}
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := b.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if err := b.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), "exist") {
			t.Errorf("Backup over a file: %v", err)
		}
		copied := openBoltAt(t, path, nil)
		if n, err := copied.Length(t.Context()); n != 50 || err != nil {
			t.Errorf("the copy has %d sessions, %v", n, err)
		}
	})
}

func TestBoltStoreCompact(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		createMany(t, b, 300, func(i int, s *Session) {
			s.Set("data", make([]byte, 5000))
			if i >= 10 {
				s.SetUser("ann")
			}
		})
		if n, err := b.DestroyUser(t.Context(), "ann"); n != 290 || err != nil {
			t.Fatal(n, err)
		}
		before := b.Stats().FileBytes
		if err := b.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := b.Stats().FileBytes; after > before/4 {
			t.Errorf("%d bytes before, %d after", before, after)
		}
		create(t, b, testID(300))
		if n, err := b.Length(t.Context()); n != 11 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
	})
}
