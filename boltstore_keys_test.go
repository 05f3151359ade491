package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

// testKey returns the n-th of the keys that tests use.
func testKey(n byte) []byte { return bytes.Repeat([]byte{n}, record.KeySize) }

// keyed returns options with the n-th keys.
func keyed(n ...byte) *BoltOptions {
	o := &BoltOptions{}
	for _, n := range n {
		o.Keys = append(o.Keys, testKey(n))
	}
	return o
}

const secret = "a value that nobody else may read"

// fillStore stores n sessions with a secret in the global component and in another one.
func fillStore(t testing.TB, b *BoltStore, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		s := create(t, b, testID(i))
		s.Set("secret", secret)
		cart, err := s.Component(t.Context(), "cart")
		if err != nil {
			t.Fatal(err)
		}
		cart.Set("secret", fmt.Sprint(secret, i))
		s.SetUser("ann")
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// filledFile returns the path of a closed store with n sessions.
func filledFile(t testing.TB, opts *BoltOptions, n int) string {
	t.Helper()
	b := openBolt(t, opts)
	fillStore(t, b, 0, n)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return b.path
}

// checkSecrets fails the test unless the sessions have what fillStore stored.
func checkSecrets(t testing.TB, b *BoltStore, from, n int) {
	t.Helper()
	for i := from; i < from+n; i++ {
		s, err := b.Get(t.Context(), testID(i), "cart")
		if err != nil {
			t.Errorf("session %d: %v", i, err)
			continue
		}
		cart, _ := s.Component(t.Context(), "cart")
		global, _ := Key[string]("secret").Get(s)
		if named, _ := Key[string]("secret").Get(cart); global != secret || named != fmt.Sprint(secret, i) {
			t.Errorf("session %d: %q, %q", i, global, named)
		}
	}
}

// fileCovers counts the records of values in a closed file by how they are protected, as seen
// with keys.
func fileCovers(t testing.TB, path string, keys ...byte) map[record.Cover]int {
	t.Helper()
	k, err := record.NewKeys(keyed(keys...).Keys)
	if err != nil {
		t.Fatal(err)
	}
	covers := map[record.Cover]int{}
	tamper(t, path, func(tab tables) error {
		return tab.sessions.ForEachBucket(func(name []byte) error {
			return tab.sessions.Bucket(name).ForEach(func(key, v []byte) error {
				if !bytes.Equal(name, globalBucket) || !isMetaKey(key) {
					c, err := k.Cover(name, key, v)
					covers[c]++
					return err
				}
				return nil
			})
		})
	})
	return covers
}

func wantCovers(t testing.TB, path string, want map[record.Cover]int, keys ...byte) {
	t.Helper()
	if got := fileCovers(t, path, keys...); !maps.Equal(got, want) {
		t.Errorf("records by cover: %v, want %v", got, want)
	}
}

func TestEncryptedFile(t *testing.T) {
	path := filledFile(t, keyed(1), 20)
	if content := read(t, path); bytes.Contains(content, []byte(secret)) {
		t.Error("a value is in the file")
	} else if !bytes.Contains(content, []byte("ann")) || !bytes.Contains(content, []byte("cart")) {
		t.Error("names are not in clear: does the test look into the right file?")
	}
	wantCovers(t, path, map[record.Cover]int{record.Current: 40}, 1)
	checkSecrets(t, openBoltAt(t, path, keyed(1)), 0, 20)
}

// TestEncryptedCleared: the keys are still there after the buckets are new ones.
func TestEncryptedCleared(t *testing.T) {
	b := openBolt(t, keyed(1))
	fillStore(t, b, 0, 1)
	if n, err := b.Clear(t.Context()); n != 1 || err != nil {
		t.Fatalf("Clear = %d, %v", n, err)
	}
	fillStore(t, b, 0, 1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wantCovers(t, b.path, map[record.Cover]int{record.Current: 2}, 1)
}

// TestEncryptedUpgrade: a store in clear that is opened with keys reads what it has and encrypts
// what it writes. Without keys what is in clear is still readable.
func TestEncryptedUpgrade(t *testing.T) {
	path := filledFile(t, nil, 4)
	b := openBoltAt(t, path, keyed(1))
	checkSecrets(t, b, 0, 4)
	s, err := b.Get(t.Context(), testID(0))
	if err != nil {
		t.Fatal(err)
	}
	s.Set("n", 2)
	if err := errors.Join(s.Save(t.Context()), b.Close()); err != nil {
		t.Fatal(err)
	}
	wantCovers(t, path, map[record.Cover]int{record.Current: 1, record.Clear: 7}, 1)
	plain := openBoltAt(t, path, nil)
	checkSecrets(t, plain, 1, 3)
	if _, err := plain.Get(t.Context(), testID(0)); !errors.Is(err, ErrEncrypted) {
		t.Errorf("%v", err)
	}
}

// TestEncryptedComponent: a component that cannot be read harms no other.
func TestEncryptedComponent(t *testing.T) {
	path := filledFile(t, nil, 1)
	b := openBoltAt(t, path, keyed(1))
	s, _ := b.Get(t.Context(), testID(0), "cart")
	cart, _ := s.Component(t.Context(), "cart")
	cart.Set("apple", 1)
	if err := errors.Join(s.Save(t.Context()), b.Close()); err != nil {
		t.Fatal(err)
	}
	plain := openBoltAt(t, path, nil)
	s, err := plain.Get(t.Context(), testID(0))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := Key[string]("secret").Get(s); got != secret {
		t.Errorf("%q", got)
	}
	if _, err := s.Component(t.Context(), "cart"); !errors.Is(err, ErrEncrypted) {
		t.Errorf("%v", err)
	}
}

// TestEncryptedOlderProgram: the file says that it needs a program that knows encryption, from the
// time it is opened with keys.
func TestEncryptedOlderProgram(t *testing.T) {
	for name, path := range map[string]string{"new": filledFile(t, keyed(1), 0), "upgraded": filledFile(t, nil, 1)} {
		if err := openBoltAt(t, path, keyed(1)).Close(); err != nil {
			t.Fatal(err)
		}
		f, err := boltfile.Open(t.Context(), path, boltfile.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		f.DB().View(func(tx *bolt.Tx) error {
			rec := tx.Bucket(formatBucket).Get([]byte("requires/encryption"))
			if body, err := record.Unseal(formatBucket, []byte("requires/encryption"), rec); err != nil || len(body) > 0 {
				t.Errorf("%s: %x, %v", name, rec, err)
			}
			return nil
		})
	}
}

// TestEncryptedReadOnly leaves the file as it is, also one that has never seen a key.
func TestEncryptedReadOnly(t *testing.T) {
	for _, opts := range []*BoltOptions{nil, keyed(1)} {
		path := filledFile(t, opts, 2)
		before := read(t, path)
		ro := keyed(1)
		ro.ReadOnly = true
		b := openBoltAt(t, path, ro)
		checkSecrets(t, b, 0, 2)
		b.Close()
		if !bytes.Equal(read(t, path), before) {
			t.Error("the file was changed")
		}
	}
}

// TestEncryptedTampered: a record whose checksum was made right again is damaged all the same.
func TestEncryptedTampered(t *testing.T) {
	path := filledFile(t, keyed(1), 3)
	tamper(t, path, func(tab tables) error {
		key := dataKey("", testID(1))
		rec := bytes.Clone(tab.global.Get(key))
		rec[len(rec)-10] ^= 1
		return tab.global.Put(key, resealed(globalBucket, key, rec))
	})
	tamper(t, path, func(tab tables) error { // in another's place
		key := dataKey("cart", testID(2))
		cart := tab.component("cart")
		return cart.Put(key, resealed([]byte("cart"), key, cart.Get(dataKey("cart", testID(0)))))
	})
	b := openBoltAt(t, path, keyed(1))
	ended := map[ID]Reason{}
	b.OnDestroy(func(id ID, r Reason) { ended[id] = r })
	for i := 1; i <= 2; i++ {
		if _, err := b.Get(t.Context(), testID(i), "cart"); !errors.Is(err, ErrNotFound) {
			t.Errorf("session %d: %v", i, err)
		}
	}
	if !maps.Equal(ended, map[ID]Reason{testID(1): Damaged, testID(2): Damaged}) {
		t.Errorf("ended: %v", ended)
	}
	checkSecrets(t, b, 0, 1)
}

// resealed returns a changed record with a checksum that is right for its place.
func resealed(bucket, key, rec []byte) []byte {
	content := bytes.Clone(rec[:len(rec)-crc32.Size])
	var covered []byte
	for _, part := range [][]byte{bucket, key} {
		covered = append(binary.BigEndian.AppendUint32(covered, uint32(len(part))), part...)
	}
	sum := crc32.Checksum(append(covered, content...), crc32.MakeTable(crc32.Castagnoli))
	return binary.BigEndian.AppendUint32(content, sum)
}

func TestOpenKeepsNoKeys(t *testing.T) {
	opts := keyed(1)
	b := openBolt(t, opts)
	clear(opts.Keys[0]) // the caller's own
	fillStore(t, b, 0, 1)
	if strings.Contains(fmt.Sprintf("%+v", b.opts), fmt.Sprint(testKey(1))) {
		t.Error("the options hold the key")
	}
	b.Close()
	checkSecrets(t, openBoltAt(t, b.path, keyed(1)), 0, 1)
}

// TestEncryptedMoveAside: the store that is started beside a damaged one is encrypted, too.
func TestEncryptedMoveAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	write(t, path, nil)
	opts := keyed(1)
	opts.OnCorrupt = MoveAside
	b := openBoltAt(t, path, opts)
	fillStore(t, b, 0, 1)
	b.Close()
	wantCovers(t, path, map[record.Cover]int{record.Current: 2}, 1)
}
