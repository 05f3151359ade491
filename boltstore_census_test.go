package session

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
)

// TestOpenCounts: each page and each record is sound, and still something is missing.
func TestOpenCounts(t *testing.T) {
	for name, change := range map[string]func(tables) error{
		"session":               func(tab tables) error { return tab.global.Delete(metaKey(testID(1))) },
		"index":                 func(tab tables) error { k, _ := tab.expiry.Cursor().First(); return tab.expiry.Delete(k) },
		"index at another time": func(tab tables) error { return refile(tab, func(k []byte) { k[7] ^= 1 }) },
		"index of another ID":   func(tab tables) error { return refile(tab, func(k []byte) { k[20] ^= 1 }) },
		"user":                  func(tab tables) error { return tab.users.Delete(userKey("ann", testID(1))) },
		"user under another name": func(tab tables) error {
			return errors.Join(tab.users.Delete(userKey("ann", testID(1))), tab.users.Put(userKey("amn", testID(1)), []byte{}))
		},
		"values": func(tab tables) error {
			value := tab.global.Get(dataKey("", testID(1)))
			return errors.Join(tab.global.Put(dataKey("", testID(2)), value), tab.global.Delete(dataKey("", testID(1))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := storeOfAnn(t)
			tamper(t, path, change)
			var corrupt *CorruptError
			if b, err := Open(path, &BoltOptions{NoSocket: true}); !errors.As(err, &corrupt) {
				t.Errorf("%v", err)
				b.Close()
			}
		})
	}
}

// refile changes the first entry of the expiry index.
func refile(tab tables, change func([]byte)) error {
	k, _ := tab.expiry.Cursor().First()
	other := bytes.Clone(k)
	change(other)
	return errors.Join(tab.expiry.Delete(k), tab.expiry.Put(other, []byte{}))
}

// storeOfAnn returns the path of a closed store with a session of ann's.
func storeOfAnn(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sessions.db")
	b := openBoltAtUnchecked(t, path, nil)
	s := create(t, b, testID(1))
	s.SetUser("ann")
	if err := errors.Join(s.Save(t.Context()), b.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestOpenDespiteLeftovers: an index may have too much, as it has after a damaged session was ended of
// which nobody knew whose it was, and a session that cannot be read need not be in it.
func TestOpenDespiteLeftovers(t *testing.T) {
	for name, change := range map[string]func(tables) error{
		"leftover":          func(tab tables) error { return tab.users.Put(userKey("bob", testID(7)), []byte{}) },
		"leftover deadline": func(tab tables) error { return tab.expiry.Put(expiryKey(1, testID(7)), []byte{}) },
		"damaged":           func(tab tables) error { return flip(tab, "", metaKey(testID(1))) },
		"damaged and not in the index": func(tab tables) error {
			return errors.Join(flip(tab, "", metaKey(testID(1))), tab.users.Delete(userKey("ann", testID(1))))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := storeOfAnn(t)
			tamper(t, path, change)
			b := openBoltAtUnchecked(t, path, nil)
			if n, err := b.Length(t.Context()); n != 1 || err != nil {
				t.Errorf("Length = %d, %v", n, err)
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestListingEndsDamaged: a session that a listing cannot read ends, and is not counted any more. Its
// ID may be what is damaged, so that no Get will ever come across it.
func TestListingEndsDamaged(t *testing.T) {
	path := storeOfAnn(t)
	tamper(t, path, func(tab tables) error { return flip(tab, "", metaKey(testID(1))) })
	b := openBoltAtUnchecked(t, path, nil)
	var told []Reason
	b.OnDestroy(func(_ ID, r Reason) { told = append(told, r) })
	for info, err := range b.All(t.Context()) {
		t.Errorf("lists %v, %v", info.ID.Short(), err)
	}
	if n, err := b.Length(t.Context()); n != 0 || err != nil || len(told) != 1 || told[0] != Damaged {
		t.Errorf("Length = %d, %v, told %v", n, err, told)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
