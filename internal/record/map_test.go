package record_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/boltsession/session/internal/record"
)

// eight is a component as they usually are.
func eight(t testing.TB) record.Map {
	values := make(map[string][]byte)
	for i, v := range []any{"some text", 5, true, []string{"a", "b"}, 1.5, map[string]int{"n": 1}, int64(1) << 40, "x"} {
		data, err := record.Encode(v, 100)
		if err != nil {
			t.Fatal(err)
		}
		values[fmt.Sprintf("key-%d", i)] = data
	}
	return record.MapOf(values)
}

func TestMapOrder(t *testing.T) {
	long := strings.Repeat("a", 300)
	m := record.MapOf(map[string][]byte{"bb": {1}, "": {2}, long: {3}, "b": {4}, "aa": {5}, "é": {6}})
	want := []string{"", "b", "aa", "bb", "é", long}
	if got := m.Keys(); !slices.Equal(got, want) || m.Len() != len(want) {
		t.Errorf("has %d keys %q, want %q", m.Len(), got, want)
	}
	if _, err := record.ParseMap(m); err != nil {
		t.Error(err)
	}
	for key, value := range m.All() {
		if found, ok := m.Find(key); !ok || !bytes.Equal(found, value) || cap(found) > len(found) {
			t.Errorf("finds % x under key of %d bytes, want % x", found, len(key), value)
		}
	}
	for _, key := range []string{"a", "c", "ab", "zz", long + "a", long[1:]} {
		if value, ok := m.Find(key); ok {
			t.Errorf("finds % x under key of %d bytes that is not there", value, len(key))
		}
	}
	for range m.All() {
		break // must not be called again
	}
}

func TestEmptyMap(t *testing.T) {
	for name, m := range map[string]record.Map{"nil": nil, "of nothing": record.MapOf(nil), "merged": record.Map(nil).Merge(false, nil, []string{"a"})} {
		if _, ok := m.Find(""); ok || m.Len() != 0 || m.Keys() != nil || len(maps.Collect(m.All())) != 0 {
			t.Errorf("%s: is not empty", name)
		}
		if m != nil && !bytes.Equal(m, []byte{0xa0}) {
			t.Errorf("%s: is % x, want an empty CBOR map", name, m)
		}
	}
}

func TestParseMapMalformed(t *testing.T) {
	manyPairs := "\xb9\x04\x01" + strings.Repeat("\x00\x00", 1025)
	for name, body := range map[string]string{
		"nothing": "", "null": "\xf6", "array": "\x80", "long head": "\xb8\x00", "indefinite": "\xbf\xff", "missing pair": "\xa1", "missing value": "\xa1\x61a",
		"trailing": "\xa0\x00", "two items": "\xa1\x61a\x01\x01", "byte key": "\xa1\x41a\x01", "int key": "\xa1\x01\x01", "long key head": "\xa1\x78\x01a\x01",
		"cut key": "\xa1\x62a", "bad utf-8 key": "\xa1\x61\xff\x01", "order": "\xa2\x61b\x01\x61a\x01", "longer first": "\xa2\x62aa\x01\x61b\x01",
		"duplicate": "\xa2\x61a\x01\x61a\x01", "cut value": "\xa1\x61a\x19\x01", "reserved head": "\xa1\x61a\x1c", "indefinite value": "\xa1\x61a\x9f\xff",
		"break": "\xa1\x61a\xff", "small simple": "\xa1\x61a\xf8\x1f", "tag of nothing": "\xa1\x61a\xc0", "huge count": "\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
		"huge array": "\xa1\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff", "huge string": "\xa1\x61a\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
		"deep": "\xa1\x61a" + strings.Repeat("\x81", 17) + "\x01", "deep tags": "\xa1\x61a" + strings.Repeat("\xc1", 18) + "\x01",
		"long array": "\xa1\x61a\x99\x10\x01" + strings.Repeat("\x01", 4097), "large map": "\xa1\x61a" + manyPairs,
	} {
		if m, err := record.ParseMap([]byte(body)); !errors.Is(err, record.ErrMalformed) || m != nil {
			t.Errorf("%s: gave % x and %v, want ErrMalformed", name, m, err)
		}
	}
	for name, body := range map[string]string{
		"deep": "\xa1\x61a" + strings.Repeat("\x81", 16) + "\x01", "tags": "\xa1\x61a" + strings.Repeat("\xc1", 17) + "\x01",
		"long array": "\xa1\x61a\x99\x10\x00" + strings.Repeat("\x01", 4096), "long head in a value": "\xa1\x61a\x18\x01",
	} {
		if _, err := record.ParseMap([]byte(body)); err != nil {
			t.Errorf("%s: gave %v", name, err)
		}
	}
}

// TestMapManyKeys has more keys than a map inside a value may have.
func TestMapManyKeys(t *testing.T) {
	values := make(map[string][]byte)
	for i := range 70000 {
		values[fmt.Sprint(i)] = []byte{1}
	}
	m, err := record.ParseMap(record.MapOf(values))
	if err != nil || m.Len() != len(values) {
		t.Errorf("has %d keys (%v), want %d", m.Len(), err, len(values))
	}
}

// TestMergeAsModel does random changes to a Map and to a Go map.
func TestMergeAsModel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var m record.Map
	model := make(map[string][]byte)
	for step := range 20000 {
		set, removed := make(map[string][]byte), []string(nil)
		for range r.IntN(4) {
			set[randomKey(r)] = append([]byte{0x58, byte(step)}, make([]byte, byte(step))...)
		}
		for range r.IntN(4) {
			removed = append(removed, randomKey(r))
		}
		empty := r.IntN(50) == 0
		before := bytes.Clone(m)
		next := m.Merge(empty, set, removed)
		if !bytes.Equal(m, before) {
			t.Fatalf("step %d changed the map that it was called on", step)
		}
		if empty {
			clear(model)
		}
		for _, key := range removed {
			delete(model, key)
		}
		maps.Copy(model, set)
		m = next
		checkModel(t, m, model)
		if t.Failed() {
			t.Fatalf("at step %d: clear %v, set %q, removed %q", step, empty, slices.Collect(maps.Keys(set)), removed)
		}
	}
}

func randomKey(r *rand.Rand) string {
	if r.IntN(20) == 0 {
		return strings.Repeat("k", r.IntN(300))
	}
	return fmt.Sprint(r.IntN(60))
}

func checkModel(t *testing.T, m record.Map, model map[string][]byte) {
	t.Helper()
	if _, err := record.ParseMap(m); err != nil {
		t.Error(err)
	}
	if want := record.MapOf(model); !bytes.Equal(m, want) {
		t.Errorf("is\n% x, want\n% x", m, want)
	}
	if m.Len() != len(model) || !maps.EqualFunc(maps.Collect(m.All()), model, bytes.Equal) {
		t.Errorf("has %d keys, want %d", m.Len(), len(model))
	}
	size := 0
	for key, value := range model {
		size += record.EntrySize(key, value)
	}
	head := 1
	if len(model) >= 24 {
		head = 2
	}
	if len(m) != head+size {
		t.Errorf("takes %d bytes, its entries %d", len(m), size)
	}
	keys := m.Keys()
	if !slices.IsSortedFunc(keys, func(a, b string) int { return cmp.Or(len(a)-len(b), cmp.Compare(a, b)) }) {
		t.Errorf("keys are not in order: %q", keys)
	}
}

func TestMergeSharesNothing(t *testing.T) {
	m := eight(t)
	value, removed := []byte{0x41, 1}, []string{"z", "a", "key-1"}
	next := m.Merge(false, map[string][]byte{"new": value}, removed)
	if !slices.Equal(removed, []string{"z", "a", "key-1"}) {
		t.Errorf("reordered the removed keys to %q", removed)
	}
	want := bytes.Clone(next)
	clear(m)
	clear(value)
	if !bytes.Equal(next, want) {
		t.Error("changes with the map it was made from")
	}
}

func TestMapAllocs(t *testing.T) {
	m := eight(t)
	set := map[string][]byte{"key-3": {1}}
	for name, test := range map[string]struct {
		f    func()
		want float64
	}{
		"Find":     {func() { m.Find("key-7") }, 0},
		"Len":      {func() { m.Len() }, 0},
		"ParseMap": {func() { record.ParseMap(m) }, 0},
		"Merge":    {func() { m.Merge(false, set, nil) }, 2}, // the result and the sorted keys
	} {
		if n := testing.AllocsPerRun(100, test.f); n > test.want {
			t.Errorf("%s takes %v allocations, want %v", name, n, test.want)
		}
	}
}
