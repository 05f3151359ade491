package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzParseMap: what is accepted is the one encoding of its content, and its values are
// well-formed for the library too; what is not accepted does no harm.
func FuzzParseMap(f *testing.F) {
	for _, seed := range []string{"", "\xa0", "\xa1\x61a\x01", "\xa2\x61a\xf6\x61b\x82\x01\xa1\x60\xc0\x60", "\xa1\x61a\xf8\x20", "\xa1\x60\xfb12345678", "\xa1\x61a\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xa1\x61a" + strings.Repeat("\xc1", 17) + "\x80", "\xa1\x61a" + strings.Repeat("\x81", 16) + "\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseMap(body)
		if err != nil {
			m = Map(body)
			if m.Len() > len(body) || len(m.Keys()) > m.Len() {
				t.Errorf("a malformed map has %d keys", m.Len())
			}
			m.Find("a")
			m.Merge(false, map[string][]byte{"a": {1}}, []string{"b"})
			return
		}
		values := maps.Collect(m.All())
		if got := MapOf(values); !bytes.Equal(got, body) {
			t.Errorf("made anew it is % x", got)
		}
		if got := m.Merge(false, nil, nil); !bytes.Equal(got, body) {
			t.Errorf("merged with nothing it is % x", got)
		}
		for key, value := range values {
			if found, ok := m.Find(key); !ok || !bytes.Equal(found, value) {
				t.Errorf("finds % x (%v), want % x", found, ok, value)
			}
			if err := codec.dec.Wellformed(value); err != nil {
				t.Errorf("value % x: the library finds %v", value, err)
			}
			without := m.Merge(false, nil, []string{key})
			if back := without.Merge(false, map[string][]byte{key: value}, nil); without.Len() != m.Len()-1 || !bytes.Equal(back, body) {
				t.Errorf("removed and set again it is % x", back)
			}
		}
	})
}

// FuzzSkip: an item is skipped exactly if the library takes it.
func FuzzSkip(f *testing.F) {
	for _, seed := range []string{"\x00", "\x82\x01\x02", "\xa1\x01", "\xf8\x1f", "\xf8\x20", "\xc1\xc1\x81\xc1\x00", "\x9f\xff", "\x1c", "\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
		strings.Repeat("\xc1", 17) + "\x00", strings.Repeat("\xc1", 16) + "\x81\x00", strings.Repeat("\xc1\x81", 16) + "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rest, ok := skip(data, 0)
		whole := ok && len(rest) == 0
		if err := codec.dec.Wellformed(data); (err == nil) != whole {
			t.Errorf("% x: whole is %v, the library finds %v", data, whole, err)
		}
	})
}

// FuzzUnseal: a record opens if and only if Seal makes it for that place.
func FuzzUnseal(f *testing.F) {
	f.Add([]byte("b"), []byte("k"), Seal(nil, []byte("b"), []byte("k"), []byte("body")))
	f.Add([]byte("bk"), []byte(""), Seal(nil, []byte("b"), []byte("k"), nil))
	f.Add([]byte(""), []byte(""), []byte{1, 2, 3, 4, 5})
	f.Fuzz(func(t *testing.T, bucket, key, rec []byte) {
		if body, err := Unseal(bucket, key, rec); err == nil {
			if again := Seal(nil, bucket, key, body); !bytes.Equal(again, rec) {
				t.Errorf("sealed again it is % x", again)
			}
		} else if !errors.Is(err, ErrChecksum) && !errors.Is(err, ErrVersion) {
			t.Errorf("error %v is no sentinel", err)
		}
		sealed := Seal(nil, bucket, key, rec)
		if body, err := Unseal(bucket, key, sealed); err != nil || !bytes.Equal(body, rec) {
			t.Errorf("what was sealed opens as % x (%v)", body, err)
		}
		if len(rec) > 0 {
			sealed[1+int(rec[0])%len(rec)] ^= 1
			if _, err := Unseal(bucket, key, sealed); !errors.Is(err, ErrChecksum) {
				t.Errorf("with a bit flipped it gives %v, want ErrChecksum", err)
			}
		}
	})
}

// FuzzOpen: a record of any bytes, with a right checksum, opens only if it is in clear or was made
// with the key for that place; what is encrypted comes back, and not when a bit of it is flipped.
func FuzzOpen(f *testing.F) {
	k, err := NewKeys([][]byte{bytes.Repeat([]byte{1}, KeySize), bytes.Repeat([]byte{2}, KeySize)})
	if err != nil {
		f.Fatal(err)
	}
	b, key := []byte("b"), []byte("k")
	for _, rec := range [][]byte{k.Seal(nil, b, key, []byte("body")), Seal(nil, b, key, []byte("body")), (&Keys{k.all[1:]}).Seal(nil, b, key, nil), {2, 1}, {3}} {
		f.Add(b, key, rec[:max(0, len(rec)-4)])
	}
	sentinels := []error{ErrChecksum, ErrVersion, ErrKey, ErrForged, ErrMalformed}
	f.Fuzz(func(t *testing.T, bucket, key, content []byte) {
		rec := binary.BigEndian.AppendUint32(bytes.Clone(content), checksum(bucket, key, content))
		body, err := k.Open(bucket, key, rec)
		cover, coverErr := k.Cover(bucket, key, rec)
		switch {
		case err != nil && !slices.ContainsFunc(sentinels, func(s error) bool { return errors.Is(err, s) }):
			t.Errorf("error %v is no sentinel", err)
		case errors.Is(err, ErrKey) != (cover == Foreign), (cover == Current || cover == Former) && err != nil && !errors.Is(err, ErrForged):
			t.Errorf("cover %d, and Open gives %v", cover, err)
		case coverErr != nil && err == nil:
			t.Errorf("opens, and Cover gives %v", coverErr)
		case err == nil && cover == Clear && !bytes.Equal(body, content[1:]):
			t.Errorf("in clear it opens as % x", body)
		}
		sealed := k.Seal(nil, bucket, key, content)
		if body, err := k.Open(bucket, key, sealed); err != nil || !bytes.Equal(body, content) {
			t.Errorf("what was sealed opens as % x (%v)", body, err)
		}
		inner := sealed[:len(sealed)-4]
		inner[headSize+len(content)%(len(inner)-headSize)] ^= 4
		forged := binary.BigEndian.AppendUint32(inner, checksum(bucket, key, inner))
		if _, err := k.Open(bucket, key, forged); !errors.Is(err, ErrForged) {
			t.Errorf("with a bit flipped it gives %v, want ErrForged", err)
		}
	})
}

// FuzzParseMeta: what is accepted is what AppendMeta writes of it.
func FuzzParseMeta(f *testing.F) {
	at := time.Unix(1<<30, 5)
	f.Add(AppendMeta(nil, &Meta{}))
	f.Add(AppendMeta(nil, &Meta{Created: at, LastAccess: at, End: at, MaxAge: time.Hour, Filed: at, User: "a", Salt: []byte("salt"), Fingerprint: []byte("print"), Components: []string{"", "b"}}))
	f.Add([]byte("\x89\xf6\xf6\xf6\x00\xf6\x60\x40\x40\x9b\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseMeta(body)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v is no sentinel", err)
			}
			return
		}
		if again := AppendMeta(nil, &m); !bytes.Equal(again, body) {
			t.Errorf("% x is written as % x", body, again)
		}
	})
}

// FuzzDecode: decoding into any type gives an error and changes nothing, or gives a value that
// Encode either refuses or stores so that it comes back. Scalars decode as the library does.
func FuzzDecode(f *testing.F) {
	for _, v := range []any{cart{Owner: "a", Items: map[string]int{"x": 1}, Added: time.Unix(1, 0).UTC()}, []any{nil, "a", 1.5}, derived{N: 1}, tuple{A: 1}, map[string]int{"a": 1}, -1, "x"} {
		data, err := codec.enc.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, seed := range []string{"\xf6", "\xc0\x60", "\xc1\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00", "\xc2\x41\x01", "\xa2\x01\x01\x01\x01", "\xd9\xd9\xf7\xf6", "\xa1\x80\x01", "\xa1\xc1\x40\x01"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, dst := range scalarPointers() {
			sameDecode(t, data, dst)
		}
		for _, sample := range []any{cart{Owner: "b"}, derived{N: 2}, tuple{A: 2}, tree{N: 2}, holder{1}, map[string]any{"b": 2}, map[any]any{"b": 2}, []any{2},
			[]map[[2]byte]base{{}}, [3]*string{}, time.Unix(9, 0), both{9}, lossy{9, 9}, wide{}, map[holder]bool{}, []time.Time{{}}} {
			decodeAs(t, data, sample)
		}
		var dst any = 7
		if err := Decode(data, &dst); err != nil && dst != 7 {
			t.Errorf("an error left %v", dst)
		}
	})
}

// decodeAs decodes into a variable that holds sample.
func decodeAs(t *testing.T, data []byte, sample any) {
	t.Helper()
	dst := reflect.New(reflect.TypeOf(sample))
	dst.Elem().Set(reflect.ValueOf(sample))
	if err := Decode(data, dst.Interface()); err != nil {
		if got, want := dump(dst.Elem().Interface()), dump(sample); got != want {
			t.Errorf("an error left %s, want %s", got, want)
		}
		return
	}
	again, err := Encode(dst.Elem().Interface(), limit)
	if err != nil {
		if !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooLarge) {
			t.Errorf("error %v is no sentinel", err)
		}
		return
	}
	back := reflect.New(reflect.TypeOf(sample))
	if err := Decode(again, back.Interface()); err != nil {
		t.Errorf("%T was accepted and does not decode: %v", sample, err)
	}
	if got, want := dump(back.Elem().Interface()), dump(dst.Elem().Interface()); got != want {
		t.Errorf("came back as %s, want %s", got, want)
	}
}
