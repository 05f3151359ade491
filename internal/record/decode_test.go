package record

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDecodeReplaces(t *testing.T) {
	data, err := Encode(map[string]int{"a": 1}, limit)
	if err != nil {
		t.Fatal(err)
	}
	old := map[string]int{"b": 2}
	dst := old
	if err := Decode(data, &dst); err != nil || !reflect.DeepEqual(dst, map[string]int{"a": 1}) {
		t.Errorf("gave %v (%v), want what was stored alone", dst, err)
	}
	if !reflect.DeepEqual(old, map[string]int{"b": 2}) {
		t.Errorf("changed the map that was there to %v", old)
	}

	number, pointer := 1, new(int)
	pointer = &number
	if err := Decode([]byte{0x05}, &pointer); err != nil || *pointer != 5 || number != 1 {
		t.Errorf("gave %d (%v) and changed what was there to %d", *pointer, err, number)
	}

	var boxed any = &number
	if err := Decode([]byte{0x05}, &boxed); err != nil || boxed != int64(5) || number != 1 {
		t.Errorf("gave %v (%v) and changed what was there to %d", boxed, err, number)
	}

	slice := []int{7, 8, 9}
	alias := slice
	if err := Decode([]byte{0x81, 0x01}, &slice); err != nil || len(slice) != 1 || alias[0] != 7 {
		t.Errorf("gave %v (%v) and changed what was there to %v", slice, err, alias)
	}
}

func TestDecodeErrorChangesNothing(t *testing.T) {
	half := cart{Owner: "before", Items: map[string]int{"x": 1}}
	data, err := codec.enc.Marshal(map[string]any{"Owner": "after", "Items": "no map"})
	if err != nil {
		t.Fatal(err)
	}
	if err := Decode(data, &half); err == nil || half.Owner != "before" || half.Items["x"] != 1 {
		t.Errorf("gave %v and left %v", err, dump(&half))
	}
	for _, dst := range scalarPointers() {
		before := dump(dst)
		if err := Decode([]byte{0xa0}, dst); err == nil || dump(dst) != before {
			t.Errorf("%T: gave %v and left %s", dst, err, dump(dst))
		}
	}
}

func TestDecodePointerTransparent(t *testing.T) {
	data, err := Encode(&cart{Owner: "me"}, limit)
	if err != nil {
		t.Fatal(err)
	}
	var plain cart
	var pointer *cart
	if err := errors.Join(Decode(data, &plain), Decode(data, &pointer)); err != nil {
		t.Fatal(err)
	}
	if plain.Owner != "me" || pointer.Owner != "me" {
		t.Errorf("gave %q and %q, want the owner in both", plain.Owner, pointer.Owner)
	}
}

func TestDecodeBadDestinations(t *testing.T) {
	var loop pointerLoop
	for _, dst := range append([]any{nil, 5, cart{}, map[string]int{}, (*cart)(nil), &loop,
		(*bool)(nil), (*string)(nil), (*[]byte)(nil), (*float32)(nil), (*float64)(nil), (*int)(nil), (*int8)(nil), (*uint64)(nil)},
		new(error)) {
		for _, data := range []string{"\x05", "\x61a", "\x41a", "\xf5", "\xf9\x00\x00"} {
			if err := Decode([]byte(data), dst); err == nil {
				t.Errorf("% x into a %T gives no error", data, dst)
			}
		}
	}
}

// TestDecodeEndless: the library would follow these types for ever.
func TestDecodeEndless(t *testing.T) {
	type tagged struct {
		P pointerLoop `cbor:"-"`
	}
	type unexported struct {
		N int
		p pointerLoop
	}
	type deep struct {
		N    int
		Next *deep
		Rest map[string][]tagged
	}
	data := []byte("\xa1\x61N\x01")
	for _, dst := range []any{new(tagged), &unexported{p: nil}, new(deep), new([]deep), new(map[pointerLoop]int), new([2]pointerLoop)} {
		for range 2 { // the second time it is known
			err := Decode(data, dst)
			if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "record.pointerLoop points to itself") {
				t.Errorf("%T: %v", dst, err)
			}
		}
	}
	var own ownReader
	if err := Decode(data, &own); err != nil || own.read != 1 {
		t.Errorf("one that unmarshals itself: %v", err)
	}
}

// ownReader unmarshals itself, so that nobody follows its fields.
type ownReader struct {
	P    pointerLoop
	read int
}

func (r *ownReader) UnmarshalCBOR([]byte) error { r.read++; return nil }

func TestDecodeMalformed(t *testing.T) {
	for _, data := range []string{"", "\x18", "\x62a", "\x82\x01", "\xff", "\x1c", "\x5f\x40\xff", "\x9f\xff", "\xf8\x01", "\x00\x00", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff"} {
		var dst any
		if err := Decode([]byte(data), &dst); err == nil {
			t.Errorf("% x decodes to %v", data, dst)
		}
		var at time.Time
		if err := Decode([]byte(data), &at); err == nil {
			t.Errorf("% x decodes to %v", data, at)
		}
	}
	for _, dst := range []any{new(any), new(map[string]int), new(base)} {
		if err := Decode([]byte("\xa2\x62ID\x01\x62ID\x02"), dst); err == nil {
			t.Errorf("a duplicate key decodes to %s", dump(dst))
		}
	}
	var dst any
	if err := Decode([]byte("\x82\x01"), &dst); !errors.Is(err, ErrMalformed) {
		t.Errorf("a cut array gives %v, want ErrMalformed", err)
	}
}

// TestDecodeSharesNothing changes the input afterwards.
func TestDecodeSharesNothing(t *testing.T) {
	data := []byte("\x83\x41a\x61a\x81\x41a")
	var dst []any
	if err := Decode(data, &dst); err != nil {
		t.Fatal(err)
	}
	raw := []byte("\x42ab")
	var whole []byte
	if err := Decode(raw, &whole); err != nil {
		t.Fatal(err)
	}
	clear(data)
	clear(raw)
	if got := dump(dst); got != dump([]any{[]byte("a"), "a", []any{[]byte("a")}}) || string(whole) != "ab" {
		t.Errorf("changing the input changed the result to %s and %q", got, whole)
	}
}
