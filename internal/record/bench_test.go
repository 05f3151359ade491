package record_test

import (
	"testing"
	"time"

	"github.com/boltsession/session/internal/record"
)

// profile is a struct as an app may keep one.
type profile struct {
	Name  string
	Count int
	Tags  []string
	Since time.Time
	Admin bool
}

func someProfile() profile {
	return profile{"alice", 5, []string{"a", "b"}, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), true}
}

func BenchmarkFind(b *testing.B) {
	m := eight(b)
	b.ReportAllocs()
	for b.Loop() {
		m.Find("key-4")
	}
}

func BenchmarkParseMap(b *testing.B) {
	m := eight(b)
	b.ReportAllocs()
	for b.Loop() {
		record.ParseMap(m)
	}
}

func BenchmarkMerge(b *testing.B) {
	m := eight(b)
	set := map[string][]byte{"key-3": {0x18, 0x20}}
	b.ReportAllocs()
	for b.Loop() {
		m.Merge(false, set, nil)
	}
}

// BenchmarkMergeNew splices a new key in and an old one out.
func BenchmarkMergeNew(b *testing.B) {
	m := eight(b)
	set, removed := map[string][]byte{"key-35": {0x18, 0x20}}, []string{"key-6"}
	b.ReportAllocs()
	for b.Loop() {
		m.Merge(false, set, removed)
	}
}

// BenchmarkWalk goes over all keys and values.
func BenchmarkWalk(b *testing.B) {
	m := eight(b)
	b.ReportAllocs()
	for b.Loop() {
		for range m.All() {
		}
	}
}

func BenchmarkUnseal(b *testing.B) {
	bucket, key := []byte("global"), make([]byte, 32)
	rec := record.Seal(nil, bucket, key, eight(b))
	b.ReportAllocs()
	for b.Loop() {
		record.Unseal(bucket, key, rec)
	}
}

func BenchmarkEncryptedSeal(b *testing.B) {
	k, key, body := newKeys(b, master(1)), make([]byte, 32), eight(b)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = k.Seal(dst[:0], keyBucket, key, body)
	}
}

func BenchmarkEncryptedOpen(b *testing.B) {
	k, key := newKeys(b, master(1)), make([]byte, 32)
	rec := k.Seal(nil, keyBucket, key, eight(b))
	b.ReportAllocs()
	for b.Loop() {
		k.Open(keyBucket, key, rec)
	}
}

func BenchmarkParseMeta(b *testing.B) {
	body := record.AppendMeta(nil, someMeta())
	b.ReportAllocs()
	for b.Loop() {
		record.ParseMeta(body)
	}
}

func BenchmarkAppendMeta(b *testing.B) {
	m := someMeta()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = record.AppendMeta(dst[:0], m)
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, v := range map[string]any{"int": 12345, "string": "some text", "struct": someProfile()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				record.Encode(v, 1000)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, v := range map[string]struct{ value, dst any }{
		"int": {12345, new(int)}, "string": {"some text", new(string)}, "struct": {someProfile(), new(profile)},
	} {
		data, err := record.Encode(v.value, 1000)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				record.Decode(data, v.dst)
			}
		})
	}
}
