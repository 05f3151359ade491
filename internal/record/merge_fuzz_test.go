package record

import (
	"bytes"
	"maps"
	"testing"
)

// FuzzMerge: splicing changes into a record gives, byte for byte, what decoding it, changing a Go
// map and encoding that gives. The input is two rows of pairs of a key and a value, what is there
// and what is set, and keys to remove, cut out of text.
func FuzzMerge(f *testing.F) {
	f.Add([]byte("a1b2c3"), []byte("b9d4"), []byte("c"), false)
	f.Add([]byte("a1aa2aaa3b4"), []byte("a5"), []byte("aaab"), false)
	f.Add([]byte("b1"), []byte("a2c3"), []byte{}, false)
	f.Add([]byte("a1b2"), []byte("a1"), []byte("ab"), true)
	f.Add([]byte{}, []byte{}, []byte("a"), false)
	f.Add(bytes.Repeat([]byte("x\x7fy\x01"), 40), []byte("\xc3\xa91"), []byte("xxy"), false)
	f.Fuzz(func(t *testing.T, has, sets, removes []byte, clear bool) {
		was, set := pairsOf(has), pairsOf(sets)
		removed := keysOf(removes)
		want := map[string][]byte{}
		if !clear {
			maps.Copy(want, was)
		}
		for _, key := range removed {
			delete(want, key)
		}
		maps.Copy(want, set) // a key in both is set
		m := MapOf(was)
		before := bytes.Clone(m)
		got := m.Merge(clear, set, removed)
		if !bytes.Equal(got, MapOf(want)) {
			t.Fatalf("% x with clear %v, set %q, removed %q becomes % x, want % x", before, clear, set, removed, got, MapOf(want))
		}
		if !bytes.Equal(m, before) {
			t.Error("Merge changed what it was called on")
		}
		parsed, err := ParseMap(got)
		if err != nil {
			t.Fatalf("the result does not parse: %v", err)
		}
		if !maps.EqualFunc(maps.Collect(parsed.All()), want, bytes.Equal) || parsed.Len() != len(want) {
			t.Errorf("the result has %d pairs %q, want %q", parsed.Len(), maps.Collect(parsed.All()), want)
		}
		if size := sizeOf(want); len(got) != size {
			t.Errorf("the result has %d bytes, by EntrySize %d", len(got), size)
		}
	})
}

// sizeOf returns how long a record of these pairs is.
func sizeOf(pairs map[string][]byte) int {
	size := headLen(uint64(len(pairs)))
	for key, value := range pairs {
		size += EntrySize(key, value)
	}
	return size
}

// pairsOf cuts text into pairs: a key of up to three letters, and a value as long as a byte says.
func pairsOf(text []byte) map[string][]byte {
	pairs := map[string][]byte{}
	for len(text) >= 2 {
		n := 1 + int(text[0])%3
		n = min(n, len(text)-1)
		key, rest := text[:n], text[n:]
		pairs[keyOf(key)] = appendText(nil, string(bytes.Repeat([]byte("v"), int(rest[0]))))
		text = rest[1:]
	}
	return pairs
}

// keysOf cuts text into keys as pairsOf does.
func keysOf(text []byte) (keys []string) {
	for len(text) > 0 {
		n := min(1+int(text[0])%3, len(text))
		keys = append(keys, keyOf(text[:n]))
		text = text[n:]
	}
	return keys
}

// keyOf makes text valid UTF-8.
func keyOf(text []byte) string { return string(bytes.ToValidUTF8(text, []byte("é"))) }
