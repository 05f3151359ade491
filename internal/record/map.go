package record

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// Map is the encoded content of one component: a CBOR map from text keys to values, in the
// deterministic order of RFC 8949 §4.2.1 (shorter keys first, then bytewise), with definite
// lengths and shortest heads. nil is an empty map in memory; what [MapOf] and [Merge] return is
// never nil and can be sealed.
//
// A Map is immutable: its methods return subslices that must not be modified. They are safe on
// any bytes, but only tell the truth of a Map from [ParseMap], [MapOf] or [Map.Merge].
type Map []byte

// ParseMap checks that body is a Map with well-formed values within the limits of depth,
// elements and pairs, and returns it without copying. The number of its keys has no limit.
// It returns ErrMalformed otherwise.
func ParseMap(body []byte) (Map, error) {
	count, n := readShortest(body, majorMap)
	if n == 0 {
		return nil, fmt.Errorf("parse map: %w", ErrMalformed)
	}
	var last []byte
	rest := body[n:]
	for i := uint64(0); i < count; i++ {
		key, value, ok := readString(rest, majorText)
		if !ok || !utf8.Valid(key) || i > 0 && compareKeys(last, key) >= 0 {
			return nil, fmt.Errorf("parse map key: %w", ErrMalformed)
		}
		if rest, ok = skip(value, 0); !ok {
			return nil, fmt.Errorf("parse map value: %w", ErrMalformed)
		}
		last = key
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("parse map end: %w", ErrMalformed)
	}
	return Map(body), nil
}

// Find returns the encoded value under key, a subslice of m.
func (m Map) Find(key string) (value []byte, ok bool) {
	e := m.entries()
	for e.next() {
		if len(e.key) < len(key) {
			continue
		}
		if len(e.key) > len(key) || string(e.key) > key {
			break // the keys are in order
		}
		if string(e.key) == key {
			return e.value, true
		}
	}
	return nil, false
}

// All returns the keys and their encoded values, subslices of m, in the order of m.
func (m Map) All() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for e := m.entries(); e.next(); {
			if !yield(string(e.key), e.value) {
				return
			}
		}
	}
}

// Len returns the number of keys.
func (m Map) Len() int {
	count, n := readShortest(m, majorMap)
	return int(min(count, uint64(len(m)-n)/2)) // a pair takes two bytes: never more than there is
}

// Keys returns the keys in the order of m, nil if there are none.
func (m Map) Keys() []string {
	var keys []string
	for e := m.entries(); e.next(); {
		if keys == nil {
			keys = make([]string, 0, m.Len())
		}
		keys = append(keys, string(e.key))
	}
	return keys
}

// entries walks the pairs of a Map and stops at its end or at the first malformed one.
type entries struct {
	rest  []byte // behind the current pair
	left  uint64
	key   []byte
	value []byte
	size  int // of the current pair
}

func (m Map) entries() entries {
	count, n := readShortest(m, majorMap)
	return entries{rest: m[n:], left: count}
}

func (e *entries) next() bool {
	if e.left == 0 {
		return false
	}
	key, value, ok := readString(e.rest, majorText)
	if !ok {
		return false
	}
	rest, ok := skip(value, 0)
	if !ok {
		return false
	}
	n := len(value) - len(rest)
	e.size = len(e.rest) - len(rest)
	e.left, e.key, e.value, e.rest = e.left-1, key, value[:n:n], rest
	return true
}

// EntrySize returns the bytes that an entry takes in a Map.
func EntrySize(key string, value []byte) int {
	return headLen(uint64(len(key))) + len(key) + len(value)
}

// compareKeys orders keys as their encodings: a longer key has a greater head.
func compareKeys(a, b []byte) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), bytes.Compare(a, b))
}

// compareNames is compareKeys for strings.
func compareNames(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}
