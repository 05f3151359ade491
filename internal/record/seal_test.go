package record_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/boltsession/session/internal/record"
)

func TestUnseal(t *testing.T) {
	for _, body := range []string{"", "x", "a body of some length"} {
		rec := record.Seal([]byte("before"), []byte("bucket"), []byte("key"), []byte(body))
		if !bytes.HasPrefix(rec, []byte("before")) {
			t.Fatalf("% x does not append", rec)
		}
		rec = rec[len("before"):]
		got, err := record.Unseal([]byte("bucket"), []byte("key"), rec)
		if err != nil || string(got) != body {
			t.Errorf("gave %q (%v), want %q", got, err, body)
		}
		if cap(got) > len(got) {
			t.Error("an append to the body would overwrite the checksum")
		}
	}
}

// TestUnsealDamage flips every bit and cuts at every byte.
func TestUnsealDamage(t *testing.T) {
	bucket, key := []byte("bucket"), []byte("key")
	rec := record.Seal(nil, bucket, key, []byte("a body"))
	for i := range rec {
		for bit := range 8 {
			bad := bytes.Clone(rec)
			bad[i] ^= 1 << bit
			if _, err := record.Unseal(bucket, key, bad); !errors.Is(err, record.ErrChecksum) {
				t.Errorf("bit %d of byte %d flipped: gave %v, want ErrChecksum", bit, i, err)
			}
		}
		for _, bad := range [][]byte{rec[:i], rec[i+1:]} {
			if _, err := record.Unseal(bucket, key, bad); !errors.Is(err, record.ErrChecksum) {
				t.Errorf("cut at %d: gave %v, want ErrChecksum", i, err)
			}
		}
	}
}

// TestUnsealElsewhere reads a record from where it was not put.
func TestUnsealElsewhere(t *testing.T) {
	rec := record.Seal(nil, []byte("ab"), []byte("cd"), []byte("body"))
	for _, at := range [][2]string{{"ab", "ce"}, {"aB", "cd"}, {"abc", "d"}, {"a", "bcd"}, {"", "abcd"}, {"abcd", ""}, {"cd", "ab"}} {
		if _, err := record.Unseal([]byte(at[0]), []byte(at[1]), rec); !errors.Is(err, record.ErrChecksum) {
			t.Errorf("at %q: gave %v, want ErrChecksum", at, err)
		}
	}
}

// TestUnsealVersion makes the envelope by its description instead of by Seal.
func TestUnsealVersion(t *testing.T) {
	covered := []byte("\x00\x00\x00\x01b\x00\x00\x00\x01k\x02body")
	rec := binary.BigEndian.AppendUint32([]byte("\x02body"), crc32.Checksum(covered, crc32.MakeTable(crc32.Castagnoli)))
	_, err := record.Unseal([]byte("b"), []byte("k"), rec)
	if !errors.Is(err, record.ErrVersion) || errors.Is(err, record.ErrChecksum) {
		t.Errorf("gave %v, want ErrVersion", err)
	}
}

func TestUnsealAllocs(t *testing.T) {
	bucket, key := []byte("bucket"), []byte("key")
	rec := record.Seal(nil, bucket, key, []byte("body"))
	if n := testing.AllocsPerRun(100, func() { record.Unseal(bucket, key, rec) }); n != 0 {
		t.Errorf("takes %v allocations, want none", n)
	}
}
