package record

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The forms for what JSON lacks: objects with one of these keys alone.
const (
	formBytes = "$bytes" // base64
	formTime  = "$time"  // RFC 3339
	formInt   = "$int"   // decimal digits
	formFloat = "$float" // NaN, +Inf, -Inf, or a number that would read as an integer
	formMap   = "$map"   // a list of pairs
	formCBOR  = "$cbor"  // anything else, in hex
)

// maxExact is the greatest integer that a reader of JSON with floating-point numbers keeps, and
// all below it.
const maxExact = 1<<53 - 1

// The tags of CBOR that have a form (RFC 8949 §3.4).
const (
	tagTime        = 0
	tagBigPositive = 2
	tagBigNegative = 3
)

// ToJSON returns a value as JSON that keeps all of it: [FromJSON] makes the same bytes of it. The
// forms are described in docs/format.md. What is not well-formed is told as it is, but not taken
// back.
func ToJSON(data []byte) []byte {
	if rest, ok := skip(data, 0); !ok || len(rest) > 0 {
		return appendForm(nil, formCBOR, hex.EncodeToString(data))
	}
	out, _ := appendJSON(nil, data)
	return out
}

// appendJSON appends the item that b begins with, which is well-formed, and returns what follows.
func appendJSON(out, b []byte) (_, rest []byte) {
	rest, _ = skip(b, 0) // an item that was well-formed within another one is by itself
	item := b[:len(b)-len(rest)]
	if text, ok := itemJSON(out, item); ok {
		return text, rest
	}
	return appendForm(out, formCBOR, hex.EncodeToString(item)), rest
}

// itemJSON appends an item in its own form; ok is false if there is none that keeps it.
func itemJSON(out, item []byte) (_ []byte, ok bool) {
	major, arg, n := readHead(item)
	if major == majorSimple {
		return simpleJSON(out, item, arg)
	}
	if n != headLen(arg) {
		return nil, false
	}
	content := item[n:]
	switch major {
	case majorUint:
		return appendInteger(out, new(big.Int).SetUint64(arg)), true
	case majorNegative:
		return appendInteger(out, negative(new(big.Int).SetUint64(arg))), true
	case majorBytes:
		return appendForm(out, formBytes, base64.StdEncoding.EncodeToString(content)), true
	case majorText:
		return appendString(out, string(content)), utf8.Valid(content)
	case majorArray:
		return appendArray(out, content, arg), true
	case majorMap:
		return appendMap(out, content, arg), true
	}
	return tagJSON(out, arg, content)
}

// negative returns -1-n.
func negative(n *big.Int) *big.Int { return n.Not(n) }

func appendInteger(out []byte, n *big.Int) []byte {
	if n.IsInt64() && n.Int64() <= maxExact && n.Int64() >= -maxExact {
		return n.Append(out, 10)
	}
	return appendForm(out, formInt, n.String())
}

func appendArray(out, content []byte, count uint64) []byte {
	out = append(out, '[')
	for i := range count {
		if i > 0 {
			out = append(out, ',')
		}
		out, content = appendJSON(out, content)
	}
	return append(out, ']')
}

// appendMap appends an object if its keys are text in the order in which this package writes
// them, so that the order of JSON's members need not be kept, and pairs otherwise.
func appendMap(out, content []byte, count uint64) []byte {
	opened, between, closed := `{`, byte(':'), `}`
	pair, paired := "", ""
	if !isObject(content, count) {
		opened, between, closed = `{"`+formMap+`":[`, ',', `]}`
		pair, paired = "[", "]"
	}
	out = append(out, opened...)
	for i := range count {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, pair...)
		out, content = appendJSON(out, content)
		out = append(out, between)
		out, content = appendJSON(out, content)
		out = append(out, paired...)
	}
	return append(out, closed...)
}

// isObject says whether a map can be an object. A key with a $ could be taken for a form.
func isObject(content []byte, count uint64) bool {
	var last []byte
	for i := range count {
		key, value, ok := readString(content, majorText)
		if !ok || !utf8.Valid(key) || bytes.HasPrefix(key, []byte("$")) || i > 0 && compareKeys(last, key) >= 0 {
			return false
		}
		content, _ = skip(value, 0)
		last = key
	}
	return true
}

func tagJSON(out []byte, tag uint64, content []byte) ([]byte, bool) {
	switch tag {
	case tagTime:
		text, rest, ok := readString(content, majorText)
		if !ok || len(rest) > 0 || !isTime(string(text)) {
			return nil, false
		}
		return appendForm(out, formTime, string(text)), true
	case tagBigPositive, tagBigNegative:
		digits, rest, ok := readString(content, majorBytes)
		if !ok || len(rest) > 0 || len(digits) <= 8 || digits[0] == 0 || len(digits) > maxDigits/4 {
			return nil, false // not as short as it could be, or slow to write in decimal
		}
		n := new(big.Int).SetBytes(digits)
		if tag == tagBigNegative {
			n = negative(n)
		}
		return appendForm(out, formInt, n.String()), true
	}
	return nil, false
}

// isTime says whether s is a time and nothing but ASCII.
func isTime(s string) bool {
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil && utf8.ValidString(s)
}

// simpleJSON appends what is no number, text or container, and floats in their shortest form.
func simpleJSON(out, item []byte, arg uint64) ([]byte, bool) {
	switch item[0] {
	case simpleNull:
		return append(out, "null"...), true
	case simpleTrue:
		return append(out, "true"...), true
	case simpleFalse:
		return append(out, "false"...), true
	case float16Head:
		return floatJSON(out, item, fromHalf(uint16(arg)))
	case float32Head:
		return floatJSON(out, item, float64(math.Float32frombits(binary.BigEndian.Uint32(item[1:]))))
	case float64Head:
		return floatJSON(out, item, math.Float64frombits(arg))
	}
	return nil, false
}

func floatJSON(out, item []byte, f float64) ([]byte, bool) {
	if !bytes.Equal(float(f).appendSimple(nil), item) {
		return nil, false
	}
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if math.IsNaN(f) || math.IsInf(f, 0) || f == math.Trunc(f) {
		return appendForm(out, formFloat, text), true
	}
	return append(out, text...), true
}

// appendForm appends an object with one key. The text is plain ASCII.
func appendForm(out []byte, form, text string) []byte {
	out = append(append(append(out, `{"`...), form...), `":"`...)
	return append(append(out, text...), `"}`...)
}

// appendString appends a text as JSON has it, without the escapes that are for HTML.
func appendString(out []byte, s string) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string cannot fail
	return append(out, strings.TrimSuffix(b.String(), "\n")...)
}
