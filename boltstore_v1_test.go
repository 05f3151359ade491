package session

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// v1 is a store as the first version of the format wrote it. It is frozen: whatever changes, it
// must open and say the same. A new version of the format gets a file of its own.
const (
	v1    = "testdata/v1.db"
	v1Sum = "697354c555c6dc4190adde480796c40eb3fea6ed75d11c79d9cc992ac51d6919" // SHA-256
)

var writeV1 = flag.Bool("write-v1", false, "write "+v1+", if it does not exist")

// v1Value is stored under the key "struct".
type v1Value struct {
	Name  string
	Tags  []string
	When  time.Time
	Ratio float64
	Bytes []byte
}

var (
	v1Created = time.Date(2026, 11, 20, 12, 0, 0, 123456789, time.UTC)
	v1End     = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	v1Struct  = v1Value{
		Name: "naïve ☃", Tags: []string{"a", ""}, When: v1Created, Ratio: 0.1, Bytes: []byte{0, 1, 0xff},
	}
	v1Fingerprint, _ = hex.DecodeString("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
)

// v1Meta returns the metadata of a session in the file. They live until 2200.
func v1Meta(user string) Meta {
	return Meta{
		Created: v1Created, LastAccess: v1Created.Add(time.Minute), End: v1End, MaxAge: 200 * 365 * 24 * time.Hour,
		User: user, Salt: []byte("sixteen bytes ok"), Fingerprint: v1Fingerprint,
	}
}

// TestWriteV1 makes the file. It never replaces it.
func TestWriteV1(t *testing.T) {
	if !*writeV1 {
		if _, err := os.Stat(v1); err != nil {
			t.Errorf("%v; it must not be lost, restore it", err)
		}
		return
	}
	if _, err := os.Lstat(v1); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("%s exists, and is to stay as it is", v1)
	}
	b := openBolt(t, nil)
	for i, user := range []string{"ann", "", "ann"} {
		s := NewSession(b, testID(i), v1Meta(user))
		s.Set("int", -7)
		s.Set("struct", v1Struct)
		s.Set("map", map[string]int{"one": 1, "twenty-three": 23})
		if i == 0 {
			cart, _ := s.Component(t.Context(), "cart")
			cart.Set("apple", uint8(3))
			wide, _ := s.Component(t.Context(), "päge")
			wide.Set("long", make([]byte, 20_000)) // goes over several pages
		}
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "v1.db")
	if err := b.Backup(t.Context(), path); err != nil { // which has no room to grow at its end
		t.Fatal(err)
	}
	if err := os.WriteFile(v1, read(t, path), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestV1Opens holds the promise that stores of the first version open for ever.
func TestV1Opens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v1.db")
	content := read(t, v1)
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != v1Sum {
		t.Errorf("%s is not the file that was frozen", v1)
	}
	write(t, path, content)
	for _, opts := range []*BoltOptions{{ReadOnly: true}, {}} {
		b := openBoltAt(t, path, opts)
		checkV1(t, b)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b := openBoltAt(t, path, nil)
	s, err := b.Get(t.Context(), testID(1))
	if err != nil {
		t.Fatal(err)
	}
	s.Set("int", 8)
	s.SetUser("bob")
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if infos, err := b.ByUser(t.Context(), "bob"); len(infos) != 1 || infos[0].Components[""] != 3 || err != nil {
		t.Errorf("ByUser = %v, %v", infos, err)
	}
}

func checkV1(t *testing.T, b *BoltStore) {
	t.Helper()
	for i, user := range []string{"ann", "", "ann"} {
		s, err := b.Get(t.Context(), testID(i), "cart", "päge")
		if err != nil {
			t.Fatal(err)
		}
		meta := v1Meta(user)
		if s.User() != user || !s.Created().Equal(meta.Created) || !s.LastAccess().Equal(meta.LastAccess) ||
			!s.ExpiresAt().Equal(v1End) || s.MaxAge() != meta.MaxAge {
			t.Errorf("session %d: metadata %+v", i, s.metadata())
		}
		if m := s.metadata(); string(m.Salt) != string(meta.Salt) || string(m.Fingerprint) != string(v1Fingerprint) {
			t.Errorf("session %d: salt %x, fingerprint %x", i, m.Salt, m.Fingerprint)
		}
		n, _ := Key[int]("int").Get(s)
		m, _ := Key[map[string]int]("map").Get(s)
		v, _ := Key[v1Value]("struct").Get(s)
		if n != -7 || len(m) != 2 || m["twenty-three"] != 23 {
			t.Errorf("session %d: %d, %v", i, n, m)
		}
		if v.Name != v1Struct.Name || !slices.Equal(v.Tags, v1Struct.Tags) || !v.When.Equal(v1Created) ||
			v.Ratio != v1Struct.Ratio || !slices.Equal(v.Bytes, v1Struct.Bytes) {
			t.Errorf("session %d: %+v", i, v)
		}
	}
	s, _ := b.Get(t.Context(), testID(0), "cart", "päge")
	cart, _ := s.Component(t.Context(), "cart")
	wide, _ := s.Component(t.Context(), "päge")
	apples, _ := Key[uint8]("apple").Get(cart)
	if long, _ := Key[[]byte]("long").Get(wide); apples != 3 || len(long) != 20_000 {
		t.Errorf("%d apples, %d bytes", apples, len(long))
	}
	if !slices.Equal(s.Components(), []string{"cart", "päge"}) {
		t.Errorf("components %q", s.Components())
	}
	if n, err := b.Length(t.Context()); n != 3 || err != nil {
		t.Errorf("Length = %d, %v", n, err)
	}
}
