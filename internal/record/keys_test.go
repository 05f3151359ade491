package record_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/boltsession/session/internal/record"
)

// master returns a master key that is all one byte.
func master(b byte) []byte { return bytes.Repeat([]byte{b}, record.KeySize) }

func newKeys(t testing.TB, masters ...[]byte) *record.Keys {
	t.Helper()
	k, err := record.NewKeys(masters)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var keyBucket, keyKey = []byte("bucket"), []byte("key")

func TestKeysOpen(t *testing.T) {
	k := newKeys(t, master(1), master(2))
	for _, body := range []string{"", "x", strings.Repeat("a body of some length", 1000)} {
		before := []byte("before")
		rec := k.Seal(before, keyBucket, keyKey, []byte(body))
		if !bytes.HasPrefix(rec, before) {
			t.Fatalf("% x does not append", rec)
		}
		rec = rec[len(before):]
		if len(rec) != len(body)+record.EncryptedOverhead || rec[0] != 2 {
			t.Errorf("%d bytes of version %d for a body of %d", len(rec), rec[0], len(body))
		}
		if len(body) > 10 && bytes.Contains(rec, []byte(body[:10])) {
			t.Error("the body is in clear")
		}
		if got, err := k.Open(keyBucket, keyKey, rec); err != nil || string(got) != body {
			t.Errorf("gave %q (%v), want %q", got, err, body)
		}
	}
}

// TestKeysAreFresh: two records of one body have nothing in common but their head.
func TestKeysAreFresh(t *testing.T) {
	k := newKeys(t, master(1))
	seen := map[string]bool{}
	for range 1000 {
		rec := k.Seal(nil, keyBucket, keyKey, []byte("body"))
		if salt := string(rec[9:25]); seen[salt] {
			t.Fatal("a salt was used twice")
		} else {
			seen[salt] = true
		}
		if body := string(rec[37:41]); seen[body] {
			t.Fatal("a body was encrypted the same way twice")
		} else {
			seen[body] = true
		}
	}
}

func TestKeysRotation(t *testing.T) {
	older, newer := newKeys(t, master(1)), newKeys(t, master(2), master(1))
	clear, old := record.Seal(nil, keyBucket, keyKey, []byte("body")), older.Seal(nil, keyBucket, keyKey, []byte("body"))
	recent := newer.Seal(nil, keyBucket, keyKey, []byte("body"))
	var none *record.Keys
	for _, tt := range []struct {
		what  string
		keys  *record.Keys
		rec   []byte
		cover record.Cover
		err   error
	}{
		{"clear, no key", none, clear, record.Clear, nil},
		{"clear, a key", older, clear, record.Clear, nil},
		{"encrypted, no key", none, old, record.Foreign, record.ErrKey},
		{"encrypted, its key", older, old, record.Current, nil},
		{"encrypted, its key second", newer, old, record.Former, nil},
		{"encrypted, first of two", newer, recent, record.Current, nil},
		{"encrypted, a later key", older, recent, record.Foreign, record.ErrKey},
	} {
		body, err := tt.keys.Open(keyBucket, keyKey, tt.rec)
		if !errors.Is(err, tt.err) || err == nil && string(body) != "body" {
			t.Errorf("%s: %q, %v", tt.what, body, err)
		}
		if c, err := tt.keys.Cover(keyBucket, keyKey, tt.rec); c != tt.cover || err != nil {
			t.Errorf("%s: cover %d, %v, want %d", tt.what, c, err, tt.cover)
		}
	}
	if rec := none.Seal(nil, keyBucket, keyKey, []byte("body")); !bytes.Equal(rec, clear) {
		t.Errorf("without keys it writes % x", rec)
	}
}

func TestKeysRefused(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		_, err := record.NewKeys([][]byte{master(1), make([]byte, n)})
		if err == nil || !strings.Contains(err.Error(), "key 2") || !strings.Contains(err.Error(), "32") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if k, err := record.NewKeys(nil); k != nil || err != nil {
		t.Errorf("no keys: %v, %v", k, err)
	}
}

// TestKeysAreNotKept: whoever gave the keys may wipe them.
func TestKeysAreNotKept(t *testing.T) {
	own := master(1)
	k := newKeys(t, own)
	clear(own)
	rec := k.Seal(nil, keyBucket, keyKey, []byte("body"))
	if _, err := newKeys(t, master(1)).Open(keyBucket, keyKey, rec); err != nil {
		t.Error(err)
	}
}

// resum returns a record with a right checksum for the place.
func resum(bucket, key, rec []byte) []byte {
	content := bytes.Clone(rec[:len(rec)-4])
	covered := binary.BigEndian.AppendUint32(nil, uint32(len(bucket)))
	covered = binary.BigEndian.AppendUint32(append(covered, bucket...), uint32(len(key)))
	covered = append(append(covered, key...), content...)
	return binary.BigEndian.AppendUint32(content, crc32.Checksum(covered, crc32.MakeTable(crc32.Castagnoli)))
}

// TestKeysTampered changes every byte of a record, cuts it, and moves it, with a checksum that is
// right for it.
func TestKeysTampered(t *testing.T) {
	k := newKeys(t, master(1))
	rec := k.Seal(nil, keyBucket, keyKey, []byte("a body"))
	for i := range len(rec) - 4 {
		bad := bytes.Clone(rec)
		bad[i] ^= 1
		if _, err := k.Open(keyBucket, keyKey, bad); !errors.Is(err, record.ErrChecksum) {
			t.Errorf("byte %d, wrong checksum: %v", i, err)
		}
		want := record.ErrForged
		switch {
		case i == 0:
			want = record.ErrVersion
		case i < 9:
			want = record.ErrKey
		}
		if body, err := k.Open(keyBucket, keyKey, resum(keyBucket, keyKey, bad)); !errors.Is(err, want) || body != nil {
			t.Errorf("byte %d: %q, %v, want %v", i, body, err, want)
		}
	}
	for n := 5; n < len(rec); n++ {
		cut := resum(keyBucket, keyKey, rec[:n])
		body, err := k.Open(keyBucket, keyKey, cut)
		if body != nil || !errors.Is(err, record.ErrForged) && !errors.Is(err, record.ErrMalformed) {
			t.Errorf("cut to %d bytes: %q, %v", n, body, err)
		}
		if _, err := k.Cover(keyBucket, keyKey, cut); len(cut) < record.EncryptedOverhead && !errors.Is(err, record.ErrMalformed) {
			t.Errorf("cut to %d bytes: Cover gives %v", n, err)
		}
	}
	for _, at := range [][2]string{{"bucket", "kez"}, {"bucke", "tkey"}, {"bucketk", "ey"}, {"", "bucketkey"}} {
		bucket, key := []byte(at[0]), []byte(at[1])
		if body, err := k.Open(bucket, key, resum(bucket, key, rec)); !errors.Is(err, record.ErrForged) {
			t.Errorf("moved to %q: %q, %v", at, body, err)
		}
	}
}

// TestKeysCoverDamage: what is damaged is found without a key.
func TestKeysCoverDamage(t *testing.T) {
	rec := newKeys(t, master(1)).Seal(nil, keyBucket, keyKey, []byte("a body"))
	var none *record.Keys
	for i := range rec {
		bad := bytes.Clone(rec)
		bad[i] ^= 0x10
		if _, err := none.Cover(keyBucket, keyKey, bad); !errors.Is(err, record.ErrChecksum) {
			t.Errorf("byte %d: %v", i, err)
		}
	}
}

// byHand makes an encrypted record as docs/format.md describes it, with other means than Seal.
func byHand(t testing.TB, master, salt, nonce, bucket, key, body []byte) []byte {
	t.Helper()
	mac := func(key []byte, parts ...string) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write([]byte(p))
		}
		return h.Sum(nil)
	}
	prk := mac(make([]byte, 32), string(master))
	head := append([]byte{2}, mac(prk, "session key id", "\x01")[:8]...)
	head = append(head, salt...)
	block, err := aes.NewCipher(mac(prk, "session record key ", string(salt), "\x01"))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	data := append(binary.BigEndian.AppendUint32(nil, uint32(len(bucket))), bucket...)
	data = append(binary.BigEndian.AppendUint32(data, uint32(len(key))), key...)
	data = append(data, head...)
	rec := gcm.Seal(append(bytes.Clone(head), nonce...), nonce, body, data)
	return resum(bucket, key, append(rec, 0, 0, 0, 0))
}

// TestGoldenEncrypted: the vector is in users' files. It is never to be changed.
func TestGoldenEncrypted(t *testing.T) {
	rec, body := golden(t, "v2-encrypted.hex"), golden(t, "v1-map.hex")
	bucket, key := []byte("cart"), bytes.Repeat([]byte{0xab}, 32)
	if got, err := newKeys(t, master(3), master(7)).Open(bucket, key, rec); err != nil || !bytes.Equal(got, body) {
		t.Errorf("reads %x (%v), want %x", got, err, body)
	}
	want := byHand(t, master(7), []byte("sixteen bytes ok"), []byte("twelve bytes"), bucket, key, body)
	if !bytes.Equal(rec, want) {
		t.Errorf("by its description it is\n%x, not\n%x", want, rec)
	}
}
