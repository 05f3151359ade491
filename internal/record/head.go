package record

import "encoding/binary"

// The major types of CBOR (RFC 8949 §3.1).
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple // and floats
)

// Single bytes of major type 7, and the heads of floats.
const (
	simpleFalse = 0xf4
	simpleTrue  = 0xf5
	simpleNull  = 0xf6
	float16Head = 0xf9
	float32Head = 0xfa
	float64Head = 0xfb
)

// What a decoder takes, and so what may be stored.
const (
	maxDepth = 16
	maxArray = 4096
	maxPairs = 1024
)

// readHead reads the head that b begins with: its major type, its argument and its length. The
// length is 0 if b is too short or the head is reserved or of indefinite length.
func readHead(b []byte) (major byte, arg uint64, n int) {
	if len(b) == 0 {
		return 0, 0, 0
	}
	major, info := b[0]>>5, b[0]&0x1f
	if info < 24 {
		return major, uint64(info), 1
	}
	switch {
	case info == 24 && len(b) >= 2:
		return major, uint64(b[1]), 2
	case info == 25 && len(b) >= 3:
		return major, uint64(binary.BigEndian.Uint16(b[1:])), 3
	case info == 26 && len(b) >= 5:
		return major, uint64(binary.BigEndian.Uint32(b[1:])), 5
	case info == 27 && len(b) >= 9:
		return major, binary.BigEndian.Uint64(b[1:]), 9
	}
	return 0, 0, 0
}

// readShortest is readHead for a head of one major type in its shortest form, the only form
// that this package writes itself.
func readShortest(b []byte, want byte) (arg uint64, n int) {
	major, arg, n := readHead(b)
	if major != want || n != headLen(arg) {
		return 0, 0
	}
	return arg, n
}

// readString reads a byte or text string with a shortest head; ok is false for anything else.
func readString(b []byte, major byte) (s, rest []byte, ok bool) {
	if len(b) > 0 && b[0]>>5 == major && b[0]&0x1f < 24 { // most keys: no second look at the head
		if end := 1 + int(b[0]&0x1f); end <= len(b) {
			return b[1:end:end], b[end:], true
		}
		return nil, nil, false
	}
	size, n := readShortest(b, major)
	if n == 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	end := n + int(size)
	return b[n:end:end], b[end:], true
}

// headLen returns the length of the shortest head with this argument.
func headLen(arg uint64) int {
	switch {
	case arg < 24:
		return 1
	case arg <= 0xff:
		return 2
	case arg <= 0xffff:
		return 3
	case arg <= 0xffffffff:
		return 5
	}
	return 9
}

// appendHead appends the shortest head with this argument.
func appendHead(dst []byte, major byte, arg uint64) []byte {
	m := major << 5
	switch headLen(arg) {
	case 1:
		return append(dst, m|byte(arg))
	case 2:
		return append(dst, m|24, byte(arg))
	case 3:
		return binary.BigEndian.AppendUint16(append(dst, m|25), uint16(arg))
	case 5:
		return binary.BigEndian.AppendUint32(append(dst, m|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(dst, m|27), arg)
}

// appendInt appends a signed integer. CBOR stores -1-n for a negative n: its bits, flipped.
func appendInt(dst []byte, i int64) []byte {
	if i < 0 {
		return appendHead(dst, majorNegative, uint64(^i))
	}
	return appendHead(dst, majorUint, uint64(i))
}

// appendText appends a text string.
func appendText(dst []byte, s string) []byte {
	return append(appendHead(dst, majorText, uint64(len(s))), s...)
}

// appendBytes appends a byte string.
func appendBytes(dst, b []byte) []byte {
	return append(appendHead(dst, majorBytes, uint64(len(b))), b...)
}

// skip returns what follows the first data item of b; ok is false if the item is not
// well-formed or over the limits, exactly where the decoder would refuse it (on 32-bit
// machines it refuses lengths that the decoder cuts off). It takes time in proportion to the
// bytes it passes: every element that an array or map counts has at least one.
func skip(b []byte, depth int) (rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	if info := int(b[0] & 0x1f); info < 24 { // most items, without another call
		switch b[0] >> 5 {
		case majorUint, majorNegative, majorSimple:
			return b[1:], true
		case majorBytes, majorText:
			if info < len(b) {
				return b[1+info:], true
			}
			return nil, false
		}
	}
	return skipLong(b, depth)
}

// skipLong is skip for any item.
func skipLong(b []byte, depth int) (rest []byte, ok bool) {
	major, arg, n := readHead(b)
	if n == 0 {
		return nil, false
	}
	rest = b[n:]
	switch major {
	case majorBytes, majorText:
		if arg > uint64(len(rest)) {
			return nil, false
		}
		return rest[arg:], true
	case majorArray:
		return skipItems(rest, arg, maxArray, 1, depth+1)
	case majorMap:
		return skipItems(rest, arg, maxPairs, 2, depth+1)
	case majorTag:
		// As the decoder counts: a tag inside a tag is a level, the outermost one is none.
		if len(rest) > 0 && rest[0]>>5 == majorTag {
			depth++
		}
		if depth > maxDepth {
			return nil, false
		}
		return skip(rest, depth)
	case majorSimple:
		return rest, n != 2 || arg >= 32 // RFC 8949 §3.3: below 32 they have no two-byte form
	}
	return rest, true
}

// skipItems skips the items of an array or map, each times so many.
func skipItems(b []byte, count, limit, each uint64, depth int) (rest []byte, ok bool) {
	if depth > maxDepth || count > limit {
		return nil, false
	}
	rest, ok = b, true
	for i := count * each; i > 0 && ok; i-- {
		rest, ok = skip(rest, depth)
	}
	return rest, ok
}
