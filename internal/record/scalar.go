package record

import (
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// scalar is a value of one of the types that are stored most: these need no reflection, and no
// decoding to know that they come back equal. Everything about them is as the library has it.
type scalar struct {
	major byte
	arg   uint64 // of the head; for floats the bits of the shortest form
	size  int    // of the head
	text  string // content of a text string
	bytes []byte // content of a byte string
}

// newScalar takes the exact types only: a type of its own may have marshalers.
func newScalar(v any) (scalar, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return simple(simpleTrue), true
		}
		return simple(simpleFalse), true
	case string:
		return scalar{major: majorText, arg: uint64(len(v)), size: headLen(uint64(len(v))), text: v}, true
	case []byte:
		if v == nil {
			return simple(simpleNull), true
		}
		return scalar{major: majorBytes, arg: uint64(len(v)), size: headLen(uint64(len(v))), bytes: v}, true
	case float32:
		return float(float64(v)), true
	case float64:
		return float(v), true
	}
	return newInteger(v)
}

func newInteger(v any) (scalar, bool) {
	switch v := v.(type) {
	case int:
		return signed(int64(v)), true
	case int8:
		return signed(int64(v)), true
	case int16:
		return signed(int64(v)), true
	case int32:
		return signed(int64(v)), true
	case int64:
		return signed(v), true
	case uint:
		return unsigned(uint64(v)), true
	case uint8:
		return unsigned(uint64(v)), true
	case uint16:
		return unsigned(uint64(v)), true
	case uint32:
		return unsigned(uint64(v)), true
	case uint64:
		return unsigned(v), true
	}
	return scalar{}, false
}

func simple(b byte) scalar { return scalar{major: majorSimple, arg: uint64(b & 0x1f), size: 1} }

func unsigned(u uint64) scalar { return scalar{major: majorUint, arg: u, size: headLen(u)} }

func signed(i int64) scalar {
	if i < 0 {
		return scalar{major: majorNegative, arg: uint64(^i), size: headLen(uint64(^i))}
	}
	return unsigned(uint64(i))
}

// float takes the shortest form that keeps the value; all NaN are one.
func float(f float64) scalar {
	if math.IsNaN(f) {
		return scalar{major: majorSimple, arg: 0x7e00, size: 3}
	}
	f32 := float32(f)
	if float64(f32) != f {
		return scalar{major: majorSimple, arg: math.Float64bits(f), size: 9}
	}
	if half, ok := toHalf(f32); ok {
		return scalar{major: majorSimple, arg: uint64(half), size: 3}
	}
	return scalar{major: majorSimple, arg: uint64(math.Float32bits(f32)), size: 5}
}

func (s scalar) encode(max int) ([]byte, error) {
	if size := s.size + len(s.text) + len(s.bytes); size > max {
		return nil, overMax(size, max)
	}
	if !utf8.ValidString(s.text) {
		return nil, unsupported("a string that is not valid UTF-8 cannot be stored: use []byte")
	}
	out := make([]byte, 0, s.size+len(s.text)+len(s.bytes))
	if s.major == majorSimple {
		out = s.appendSimple(out)
	} else {
		out = appendHead(out, s.major, s.arg)
	}
	return append(append(out, s.text...), s.bytes...), nil
}

// appendSimple writes the argument in the size of its form: a float's is no number to shorten.
func (s scalar) appendSimple(out []byte) []byte {
	switch s.size {
	case 3:
		return binary.BigEndian.AppendUint16(append(out, float16Head), uint16(s.arg))
	case 5:
		return binary.BigEndian.AppendUint32(append(out, float32Head), uint32(s.arg))
	case 9:
		return binary.BigEndian.AppendUint64(append(out, float64Head), s.arg)
	}
	return append(out, majorSimple<<5|byte(s.arg))
}

// decodeScalar decodes the usual encodings of scalars into pointers to them. It leaves *dst as
// it is and returns false for everything else, errors too: they are the library's to find.
func decodeScalar(data []byte, dst any) bool {
	switch dst := dst.(type) {
	case *bool:
		if dst == nil || len(data) != 1 || data[0]|1 != simpleTrue {
			return false
		}
		*dst = data[0] == simpleTrue
		return true
	case *string:
		s, ok := wholeString(data, majorText)
		if dst == nil || !ok || !utf8.Valid(s) {
			return false
		}
		*dst = string(s)
		return true
	case *[]byte:
		s, ok := wholeString(data, majorBytes)
		if dst == nil || !ok {
			return false
		}
		*dst = append(make([]byte, 0, len(s)), s...)
		return true
	case *float32:
		return decodeFloat(data, dst)
	case *float64:
		return decodeFloat(data, dst)
	}
	return decodeInteger(data, dst)
}

func decodeInteger(data []byte, dst any) bool {
	switch dst := dst.(type) {
	case *int:
		return decodeSigned(data, dst)
	case *int8:
		return decodeSigned(data, dst)
	case *int16:
		return decodeSigned(data, dst)
	case *int32:
		return decodeSigned(data, dst)
	case *int64:
		return decodeSigned(data, dst)
	case *uint:
		return decodeUnsigned(data, dst)
	case *uint8:
		return decodeUnsigned(data, dst)
	case *uint16:
		return decodeUnsigned(data, dst)
	case *uint32:
		return decodeUnsigned(data, dst)
	case *uint64:
		return decodeUnsigned(data, dst)
	}
	return false
}

// wholeString reads a string that is all of data.
func wholeString(data []byte, want byte) ([]byte, bool) {
	major, arg, n := readHead(data)
	if n == 0 || major != want || arg != uint64(len(data)-n) {
		return nil, false
	}
	return data[n:], true
}

func decodeSigned[T int | int8 | int16 | int32 | int64](data []byte, dst *T) bool {
	major, arg, n := readHead(data)
	if dst == nil || n == 0 || n != len(data) || major > majorNegative || arg > math.MaxInt64 {
		return false
	}
	i := int64(arg)
	if major == majorNegative {
		i = ^i
	}
	if int64(T(i)) != i {
		return false
	}
	*dst = T(i)
	return true
}

func decodeUnsigned[T uint | uint8 | uint16 | uint32 | uint64](data []byte, dst *T) bool {
	major, arg, n := readHead(data)
	if dst == nil || n == 0 || n != len(data) || major != majorUint || uint64(T(arg)) != arg {
		return false
	}
	*dst = T(arg)
	return true
}

// decodeFloat leaves what is not exactly a T to the library: NaN, and overflow.
func decodeFloat[T float32 | float64](data []byte, dst *T) bool {
	if dst == nil || len(data) == 0 {
		return false
	}
	var f float64
	_, arg, n := readHead(data)
	switch {
	case n == 0 || n != len(data):
		return false
	case data[0] == float16Head:
		f = fromHalf(uint16(arg))
	case data[0] == float32Head:
		f = float64(math.Float32frombits(uint32(arg)))
	case data[0] == float64Head:
		f = math.Float64frombits(arg)
	default:
		return false
	}
	if float64(T(f)) != f {
		return false
	}
	*dst = T(f)
	return true
}
