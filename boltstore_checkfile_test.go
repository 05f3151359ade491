package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

// rewrite changes a closed store's file behind its back.
func rewrite(t testing.TB, path string, f func(tx *bolt.Tx) error) {
	t.Helper()
	file, err := boltfile.Open(t.Context(), path, boltfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.DB().Update(f), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// copyOf returns the path of a copy of a file, in a directory of its own.
func copyOf(t testing.TB, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy.db")
	write(t, to, read(t, path))
	return to
}

// Each case is right page by page and record by record.
func TestCheckFindsDisagreement(t *testing.T) {
	base := manySessions(t, 60)
	meta := func(tx *bolt.Tx, i int) *storedMeta {
		tab, err := openTables(tx)
		if err != nil {
			t.Fatal(err)
		}
		m, err := tab.find(testID(i))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	global := func(tx *bolt.Tx) *bolt.Bucket { return tx.Bucket(sessionsBucket).Bucket(globalBucket) }
	tests := []struct {
		name   string
		tamper func(tx *bolt.Tx) error
		want   string // "" for sound
	}{
		{"nothing", func(*bolt.Tx) error { return nil }, ""},
		{"count", func(tx *bolt.Tx) error { return global(tx).SetSequence(59) }, "it should have 59 sessions and has 60"},
		{"no deadline", func(tx *bolt.Tx) error {
			return tx.Bucket(expiryBucket).Delete(expiryKey(meta(tx, 3).filed, testID(3)))
		}, "1 sessions have no entry in the expiry index"},
		{"another deadline", func(tx *bolt.Tx) error {
			key := expiryKey(meta(tx, 3).filed, testID(3))
			return errors.Join(tx.Bucket(expiryBucket).Delete(key), tx.Bucket(expiryBucket).Put(append(key[:39:39], key[39]^1), nil))
		}, "1 sessions have no entry in the expiry index"},
		{"filed too late", func(tx *bolt.Tx) error {
			m := meta(tx, 4)
			m.filed++
			return errors.Join(global(tx).Put(metaKey(testID(4)), m.seal(nil, testID(4))), tx.Bucket(expiryBucket).Put(expiryKey(m.filed, testID(4)), nil))
		}, "1 sessions have no entry in the expiry index"},
		{"leftover deadline", func(tx *bolt.Tx) error {
			return tx.Bucket(expiryBucket).Put(expiryKey(7, testID(1000)), nil)
		}, ""},
		{"no user", func(tx *bolt.Tx) error {
			return tx.Bucket(usersBucket).Delete(userKey("user 3", testID(3)))
		}, "1 sessions are missing in the user index"},
		{"leftover user", func(tx *bolt.Tx) error {
			return tx.Bucket(usersBucket).Put(userKey("user 3", testID(4)), nil)
		}, ""},
		{"no component", func(tx *bolt.Tx) error {
			id := testID(5)
			return tx.Bucket(sessionsBucket).Bucket([]byte("cart")).Delete(id[:])
		}, "1 components are missing"},
		{"component of nobody", func(tx *bolt.Tx) error {
			id := testID(6)
			return tx.Bucket(sessionsBucket).Bucket([]byte("cart")).Put(id[:], sealValues(nil, "cart", id, record.MapOf(nil)))
		}, "1 records of components belong to no session"},
		{"bucket", func(tx *bolt.Tx) error { return tx.DeleteBucket(usersBucket) }, "a bucket of the store is missing"},
		{"another bucket", func(tx *bolt.Tx) error {
			b, err := tx.CreateBucket([]byte("zoo"))
			return errors.Join(err, b.Put([]byte("k"), nil))
		}, "no part of a store"},
		{"checksum", func(tx *bolt.Tx) error {
			sealed := bytes.Clone(global(tx).Get(metaKey(testID(3))))
			sealed[9] ^= 1
			return global(tx).Put(metaKey(testID(3)), sealed)
		}, "session " + testID(3).Short() + ", whose metadata fails its checksum"},
		{"another's record", func(tx *bolt.Tx) error {
			return global(tx).Put(dataKey("", testID(3)), bytes.Clone(global(tx).Get(dataKey("", testID(4)))))
		}, "session " + testID(3).Short() + ", values of which fail their checksum"},
		{"no map", func(tx *bolt.Tx) error {
			return global(tx).Put(dataKey("", testID(3)), record.Seal(nil, globalBucket, dataKey("", testID(3)), []byte("x")))
		}, "values of which do not parse"},
		{"key", func(tx *bolt.Tx) error { return global(tx).Put([]byte("key"), nil) }, "holds a damaged key"},
		{"deadline", func(tx *bolt.Tx) error { return tx.Bucket(expiryBucket).Put([]byte("key"), nil) }, "entry of the expiry index"},
		{"user", func(tx *bolt.Tx) error { return tx.Bucket(usersBucket).Put([]byte("key"), nil) }, "entry of the user index"},
		{"version", func(tx *bolt.Tx) error { return tx.Bucket(formatBucket).Put(versionKey, []byte("1")) }, "record of the format"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := copyOf(t, base)
			rewrite(t, path, tt.tamper)
			report, err := Check(t.Context(), path)
			var corrupt *CorruptError
			switch {
			case tt.want == "" && (err != nil || report.Sessions != 60):
				t.Errorf("Check = %+v, %v", report, err)
			case tt.want != "" && (!errors.As(err, &corrupt) || !strings.Contains(corrupt.Problem, tt.want) || len(report.Problems) != 1):
				t.Errorf("Check = %+v, %v, want %q", report, err, tt.want)
			}
			if leftovers := strings.HasPrefix(tt.name, "leftover"); leftovers != (report.Leftovers == 1) && tt.want == "" {
				t.Errorf("%d leftovers", report.Leftovers)
			}
		})
	}
}

// What is no store of this version is told from a damaged one, and from none.
func TestCheckOther(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write(t, path("empty"), nil)
	write(t, path("text"), []byte(strings.Repeat("buy milk\n", 2000)))
	store := manySessions(t, 3)
	newer := copyOf(t, store)
	rewrite(t, newer, func(tx *bolt.Tx) error {
		return tx.Bucket(formatBucket).Put(versionKey, record.Seal(nil, formatBucket, versionKey, binary.BigEndian.AppendUint32(nil, 2)))
	})
	featured := copyOf(t, store)
	feature := []byte("requires/wings")
	rewrite(t, featured, func(tx *bolt.Tx) error {
		return tx.Bucket(formatBucket).Put(feature, record.Seal(nil, formatBucket, feature, nil))
	})
	if err := os.Symlink(store, path("link")); err != nil {
		t.Fatal(err)
	}
	err := boltfile.Build(path("foreign"), nil, func(db *bolt.DB) error {
		return db.Update(func(tx *bolt.Tx) error {
			b, err := tx.CreateBucket([]byte("expiry"))
			return errors.Join(err, b.Put([]byte("dates"), []byte("none")))
		})
	}, func(string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path("empty"), path("text"), newer, featured, path("link"), path("foreign"), dir} {
		if report, err := Check(t.Context(), name); !errors.Is(err, ErrFormat) || len(report.Problems) > 0 {
			t.Errorf("Check of %s = %v, %v", filepath.Base(name), report, err)
		}
		if _, err := Recover(t.Context(), name, path("new"), nil); !errors.Is(err, ErrFormat) {
			t.Errorf("Recover of %s = %v", filepath.Base(name), err)
		}
	}
	if _, err := Check(t.Context(), path("none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Check of nothing = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	big := manySessions(t, 5000)
	if _, err := Check(ctx, big); !errors.Is(err, context.Canceled) {
		t.Errorf("Check after its context ended = %v", err)
	}
}

// A store that is open and quiet can be checked, and Check keeps nobody from it.
func TestCheckInUse(t *testing.T) {
	b := openBolt(t, nil)
	create(t, b, testID(1))
	for range 2 {
		report, err := Check(t.Context(), b.path)
		if err != nil || !report.InUse || report.Sessions != 1 {
			t.Errorf("Check = %+v, %v", report, err)
		}
		create(t, b, testID(2))
		if err := b.Destroy(t.Context(), testID(2)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Recover(t.Context(), b.path, b.path+".new", nil); !errors.Is(err, ErrLocked) {
		t.Errorf("Recover = %v", err)
	}
}

// RELIABILITY 10: 64 MiB per 100,000 sessions, here with an index that has to be looked into.
func TestCheckMemory(t *testing.T) {
	const n = 5000
	path := copyOf(t, manySessions(t, n))
	rewrite(t, path, func(tx *bolt.Tx) error {
		return tx.Bucket(expiryBucket).Put(expiryKey(7, testID(n)), nil)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	report, err := Check(t.Context(), path)
	runtime.ReadMemStats(&after)
	if err != nil || report.Leftovers != 1 {
		t.Fatalf("Check = %+v, %v", report, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20*n/100_000 {
		t.Errorf("%d bytes for %d sessions", used, n)
	}
}
