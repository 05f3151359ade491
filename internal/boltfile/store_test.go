package boltfile_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

const sumSize = 8

var errSum = errors.New("checksum does not match")

// sealed returns data with a checksum over where it lies in front.
func sealed(path []string, key, data []byte) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", path, key, data))
	return append(sum[:sumSize:sumSize], data...)
}

// checkSum is a visitor that checks what sealed made.
func checkSum(path []string, key, value []byte) error {
	if len(value) < sumSize || !bytes.Equal(sealed(path, key, value[sumSize:]), value) {
		return errSum
	}
	return nil
}

// put stores sealed data in the bucket at path, which it creates.
func put(tx *bbolt.Tx, key, data []byte, path ...string) error {
	b, err := tx.CreateBucketIfNotExists([]byte(path[0]))
	for _, name := range path[1:] {
		if err != nil {
			return err
		}
		b, err = b.CreateBucketIfNotExists([]byte(name))
	}
	if err != nil {
		return err
	}
	return b.Put(key, sealed(path, key, data))
}

// sessionKey returns the n-th of a row of keys that look like session IDs.
func sessionKey(n int) []byte {
	sum := sha256.Sum256(binary.AppendVarint(nil, int64(n)))
	return sum[:]
}

// fill is an Init: a small store with nested buckets, an inline one and overflow pages.
func fill(n int) func(tx *bbolt.Tx) error {
	return func(tx *bbolt.Tx) error {
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		for i := range n {
			id := sessionKey(i)
			data := bytes.Repeat([]byte{byte(i)}, 100+rng.IntN(300))
			if i%40 == 0 {
				data = bytes.Repeat([]byte{byte(i)}, 5000+rng.IntN(9000)) // overflow pages
			}
			deadline := binary.BigEndian.AppendUint64(nil, uint64(i%97))
			if err := errors.Join(
				put(tx, id, data, "sessions", "global"),
				put(tx, append(deadline, id...), nil, "expiry"),
			); err != nil {
				return err
			}
			if i%5 == 0 {
				if err := put(tx, id, data[:50], "sessions", "cart"); err != nil {
					return err
				}
			}
		}
		if err := put(tx, []byte("version"), []byte{1}, "format"); err != nil { // inline
			return err
		}
		return tx.Bucket([]byte("sessions")).Bucket([]byte("global")).SetSequence(uint64(n))
	}
}

// change commits one more record with the given data.
func change(db *bbolt.DB, data string) error {
	return boltfile.Guard(func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			return put(tx, sessionKey(3), []byte(data), "sessions", "global")
		})
	})
}

// digestOf returns a digest of all names, keys and values.
func digestOf(db *bbolt.DB) (string, error) {
	sum := sha256.New()
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return walk(b, []string{string(name)}, func(path []string, k, v []byte) {
				fmt.Fprintf(sum, "%q %q %q\n", path, k, v)
			})
		})
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

func walk(b *bbolt.Bucket, path []string, f func(path []string, k, v []byte)) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return walk(b.Bucket(k), append(path, string(k)), f)
		}
		f(path, k, v)
		return nil
	})
}

// open opens path, or fails the test, and closes it at the end of the test.
func open(t testing.TB, path string, o boltfile.Options) *boltfile.File {
	t.Helper()
	f, err := boltfile.Open(context.Background(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.CloseDirty() })
	return f
}

// newStore creates a store of n sessions and returns its path.
func newStore(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	if err := open(t, path, boltfile.Options{Init: fill(n), Visit: checkSum}).Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustDigest(t testing.TB, f *boltfile.File) string {
	t.Helper()
	digest, err := digestOf(f.DB())
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// mustBeAlone checks that nothing but the named files lies beside path: no temporary file.
func mustBeAlone(t testing.TB, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if want := strings.Join(names, " "); strings.Join(got, " ") != want {
		t.Errorf("directory has %q, want %q", got, want)
	}
}
