package record

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// edges are the numbers around which an encoding changes its form.
func edges() []uint64 {
	var all []uint64
	for _, n := range []uint64{0, 23, 24, math.MaxInt8, math.MaxUint8, math.MaxInt16, math.MaxUint16, math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64} {
		all = append(all, n-1, n, n+1)
	}
	return all
}

// scalars returns values of all scalar types: the edges, and random ones.
func scalars() []any {
	all := []any{true, false, "", "é", string(make([]byte, 300)), []byte(nil), []byte{}, make([]byte, 70000), math.Inf(-1), math.NaN(), math.Copysign(0, -1)}
	numbers := edges()
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		numbers = append(numbers, r.Uint64()>>r.IntN(64))
	}
	for _, n := range numbers {
		all = append(all, int(n), int8(n), int16(n), int32(n), int64(n), uint(n), uint8(n), uint16(n), uint32(n), n,
			-int64(n>>1)-1, float64(n), float32(n), math.Float64frombits(n), math.Float32frombits(uint32(n)))
	}
	return all
}

func TestScalarsEncodeAsTheLibraryDoes(t *testing.T) {
	for _, v := range scalars() {
		want, err := codec.enc.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Encode(v, len(want))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T %v encodes to % x (%v), want % x", v, v, got, err, want)
		}
		back := reflect.New(reflect.TypeOf(v))
		if err := Decode(got, back.Interface()); err != nil || dump(back.Elem().Interface()) != dump(v) {
			t.Errorf("%T %v comes back as %v (%v)", v, v, back.Elem(), err)
		}
	}
}

// TestScalarsDecodeAsTheLibraryDoes decodes every scalar's encoding into every scalar type.
func TestScalarsDecodeAsTheLibraryDoes(t *testing.T) {
	var inputs [][]byte
	for _, v := range scalars()[:300] {
		data, err := codec.enc.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, data, data[:len(data)/2], append([]byte{0xc1}, data...))
	}
	inputs = append(inputs, []byte{0x18, 1}, []byte{0x1b, 0, 0, 0, 0, 0, 0, 0, 1}, []byte{0x58, 1, 7}, []byte{0x78, 1, 'a'}, []byte{0x61, 0xff},
		[]byte{simpleNull}, []byte{0xf7}, []byte{0xf8, 0xff}, []byte{0xe0}, []byte{0x7f, 0xff}, []byte{0x80}, nil, []byte{0, 0},
		[]byte("\xfb\x7f\xef\xff\xff\xff\xff\xff\xff"), []byte("\xfb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), []byte("\xfa\x7f\xa0\x00\x00"))
	for _, data := range inputs {
		for _, dst := range scalarPointers() {
			sameDecode(t, data, dst)
		}
	}
}

func scalarPointers() []any {
	return []any{new(bool), new(string), new([]byte), new(float32), new(float64), new(int), new(int8), new(int16), new(int32), new(int64),
		new(uint), new(uint8), new(uint16), new(uint32), new(uint64)}
}

// sameDecode compares Decode with the library on a type of dst's.
func sameDecode(t *testing.T, data []byte, dst any) {
	t.Helper()
	want := reflect.New(reflect.TypeOf(dst).Elem())
	wantErr := codec.dec.Unmarshal(data, want.Interface())
	got := reflect.New(reflect.TypeOf(dst).Elem())
	err := Decode(data, got.Interface())
	if (err == nil) != (wantErr == nil) {
		t.Errorf("% x into %T gives %v, the library %v", data, dst, err, wantErr)
	}
	if err == nil && dump(got.Elem().Interface()) != dump(want.Elem().Interface()) {
		t.Errorf("% x into %T gives %v, the library %v", data, dst, got.Elem(), want.Elem())
	}
}

func TestHalfPrecision(t *testing.T) {
	for half := range 1 << 16 {
		data := []byte{float16Head, byte(half >> 8), byte(half)}
		var want float64
		if err := codec.dec.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		got := fromHalf(uint16(half))
		if got != want && !math.IsNaN(want) || math.Signbit(got) != math.Signbit(want) {
			t.Errorf("half %#04x is %v, want %v", half, got, want)
		}
		if math.IsNaN(want) {
			continue
		}
		if back, ok := toHalf(float32(want)); !ok || back != uint16(half) {
			t.Errorf("%v becomes half %#04x %v, want %#04x", want, back, ok, half)
		}
		next := math.Nextafter32(float32(want), float32(math.Inf(1)))
		if _, ok := toHalf(next); ok && !math.IsInf(want, 0) {
			t.Errorf("%v fits into a half", next)
		}
	}
}

func TestScalarAllocs(t *testing.T) {
	var text any = "some text"
	var number any = 12345
	for _, v := range []any{text, number, true, 1.5, []byte("abc")} {
		if n := testing.AllocsPerRun(100, func() { Encode(v, limit) }); n != 1 {
			t.Errorf("encoding a %T takes %v allocations, want the result only", v, n)
		}
	}
	for v, want := range map[any]float64{new(int): 0, new(bool): 0, new(float64): 0, new(string): 1} {
		data, err := codec.enc.Marshal(reflect.ValueOf(v).Elem().Interface())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := v.(*string); ok {
			data = []byte("\x69some text")
		}
		if n := testing.AllocsPerRun(100, func() { Decode(data, v) }); n != want {
			t.Errorf("decoding into a %T takes %v allocations, want %v", v, n, want)
		}
	}
}
