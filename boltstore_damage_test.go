package session

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestBoltStoreDamagedRecord: it ends its session, and no other.
func TestBoltStoreDamagedRecord(t *testing.T) {
	damage := map[string]func(tables) error{
		"metadata":  func(tab tables) error { return flip(tab, "", metaKey(testID(1))) },
		"values":    func(tab tables) error { return flip(tab, "", dataKey("", testID(1))) },
		"component": func(tab tables) error { return flip(tab, "cart", dataKey("cart", testID(1))) },
		"missing":   func(tab tables) error { return tab.component("cart").Delete(dataKey("cart", testID(1))) },
		"swapped": func(tab tables) error {
			return tab.global.Put(dataKey("", testID(1)), tab.global.Get(dataKey("", testID(2))))
		},
	}
	for name, change := range damage {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sessions.db")
			b, err := Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				s := create(t, b, testID(i))
				c, _ := s.Component(t.Context(), "cart")
				c.Set("apple", i)
				if err := s.Save(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			b.Close()
			tamper(t, path, change)
			ro := openBoltAtUnchecked(t, path, &BoltOptions{ReadOnly: true})
			if _, err := ro.Get(t.Context(), testID(1), "cart"); !errors.Is(err, ErrNotFound) {
				t.Errorf("read only: %v", err)
			}
			ro.Close()
			again := openBoltAtUnchecked(t, path, nil)
			defer again.Close()
			var told []Reason
			again.OnDestroy(func(id ID, r Reason) { told = append(told, r) })
			if _, err := again.Get(t.Context(), testID(1), "cart"); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get: %v", err)
			}
			if !slices.Equal(told, []Reason{Damaged}) {
				t.Errorf("told %v", told)
			}
			if n, err := again.Length(t.Context()); n != 2 || err != nil {
				t.Errorf("Length = %d, %v", n, err)
			}
			if s, err := again.Get(t.Context(), testID(2), "cart"); err != nil || len(s.Keys()) != 1 {
				t.Errorf("the other session: %v", err)
			}
			create(t, again, testID(1))
		})
	}
}

// TestBoltStoreStrayValues: when the key of a session's values is damaged under the open store, the
// session is damaged, and not one without values.
func TestBoltStoreStrayValues(t *testing.T) {
	reads := map[string]func(*BoltStore) error{
		"Get": func(b *BoltStore) error { _, err := b.Get(t.Context(), testID(1)); return err },
		"Save": func(b *BoltStore) error {
			return b.commit(t.Context(), Changes{ID: testID(1), Components: map[string]ComponentChanges{"": {Set: map[string][]byte{"k": {1}}}}})
		},
		"All": func(b *BoltStore) error {
			for info := range b.All(t.Context()) {
				if info.ID == testID(1) {
					t.Error("the session is listed")
				}
			}
			return ErrNotFound
		},
	}
	for name, read := range reads {
		t.Run(name, func(t *testing.T) {
			b := openBoltAtUnchecked(t, filepath.Join(t.TempDir(), "sessions.db"), nil)
			defer b.Close()
			for i := range 3 {
				create(t, b, testID(i))
			}
			err := b.file.DB().Update(func(tx *bolt.Tx) error {
				global, key := tx.Bucket(sessionsBucket).Bucket(globalBucket), dataKey("", testID(1))
				value := slices.Clone(global.Get(key))
				if err := global.Delete(key); err != nil {
					return err
				}
				key[31] ^= 1
				return global.Put(key, value)
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := read(b); !errors.Is(err, ErrNotFound) {
				t.Errorf("%v, want ErrNotFound", err)
			}
			if n, err := b.Length(t.Context()); n != 2 || err != nil {
				t.Errorf("Length = %d, %v", n, err)
			}
		})
	}
}

// flip changes one bit of a record.
func flip(tab tables, component string, key []byte) error {
	b := tab.component(component)
	value := slices.Clone(b.Get(key))
	value[len(value)/2] ^= 1
	return b.Put(key, value)
}

func TestBoltStoreSaveOfDamagedSession(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		path := filepath.Join(t.TempDir(), "sessions.db")
		b := openBoltAtUnchecked(t, path, nil)
		create(t, b, testID(1))
		s, _ := b.Get(t.Context(), testID(1))
		b.Close()
		tamper(t, path, func(tab tables) error { return flip(tab, "", metaKey(testID(1))) })
		again := openBoltAtUnchecked(t, path, &opts)
		defer again.Close()
		s.Set("n", 2)
		if err := s.saveTo(t.Context(), again); !errors.Is(err, ErrNotFound) {
			t.Errorf("Save: %v", err)
		}
		if n := again.Stats().Sessions; n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// openBoltAtUnchecked opens a store whose file will not pass the check at the end.
func openBoltAtUnchecked(t *testing.T, path string, opts *BoltOptions) *BoltStore {
	t.Helper()
	o := BoltOptions{}
	if opts != nil {
		o = *opts
	}
	o.Logger, o.NoSocket = slog.New(slog.DiscardHandler), true
	b, err := Open(path, &o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMissingValuesAreDamage: metadata says that there are values, and a page that lost its last
// element would have the session served without them.
func TestMissingValuesAreDamage(t *testing.T) {
	for what, look := range map[string]func(*BoltStore, *Session) error{
		"Get": func(b *BoltStore, _ *Session) error { _, err := b.Get(context.Background(), testID(1)); return err },
		"Save": func(_ *BoltStore, s *Session) error {
			s.Set("other", 1)
			return s.Save(context.Background())
		},
		"Renew": func(b *BoltStore, s *Session) error { return b.Renew(context.Background(), s, testID(2)) },
		"All": func(b *BoltStore, _ *Session) error {
			for info, err := range b.All(context.Background()) {
				t.Errorf("lists %v, %v", info.ID.Short(), err)
			}
			return ErrNotFound
		},
	} {
		t.Run(what, func(t *testing.T) {
			path := storeOfAnn(t)
			b := openBoltAtUnchecked(t, path, nil)
			s, err := b.Get(t.Context(), testID(1))
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			tamper(t, path, func(tab tables) error { return tab.global.Delete(dataKey("", testID(1))) })
			var corrupt *CorruptError
			if _, err := Check(t.Context(), path); !errors.As(err, &corrupt) {
				t.Errorf("Check: %v", err)
			}
			b = openBoltAtUnchecked(t, path, nil)
			s.store = b
			var told []Reason
			b.OnDestroy(func(_ ID, r Reason) { told = append(told, r) })
			if err := look(b, s); !errors.Is(err, ErrNotFound) {
				t.Errorf("%v", err)
			}
			if n := b.Stats().Sessions; n != 0 || !slices.Equal(told, []Reason{Damaged}) {
				t.Errorf("%d sessions are left, told %v", n, told)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
