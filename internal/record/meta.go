package record

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math"
	"time"
	"unicode/utf8"
)

// metaFields is the number of elements in the array that a Meta is stored as. Another number
// needs another version of the record.
const metaFields = 9

// Meta is what is stored of a session beside its values.
type Meta struct {
	Created     time.Time
	LastAccess  time.Time
	End         time.Time
	MaxAge      time.Duration
	Filed       time.Time // the deadline under which the expiry index has the session
	User        string
	Salt        []byte   // nil and empty are the same
	Fingerprint []byte   // nil and empty are the same
	Components  []string // that have keys, sorted, not to be modified; the global one has the empty name
}

// AppendMeta appends m to dst as a CBOR array: the times in nanoseconds since 1970 UTC, null
// for the zero time, in the order of the struct. Times before 1678 or after 2262 become the
// nearest that fits. User and component names must be valid UTF-8.
func AppendMeta(dst []byte, m *Meta) []byte {
	dst = appendHead(dst, majorArray, metaFields)
	dst = appendTime(dst, m.Created)
	dst = appendTime(dst, m.LastAccess)
	dst = appendTime(dst, m.End)
	dst = appendInt(dst, int64(m.MaxAge))
	dst = appendTime(dst, m.Filed)
	dst = appendText(dst, m.User)
	dst = appendBytes(dst, m.Salt)
	dst = appendBytes(dst, m.Fingerprint)
	dst = appendHead(dst, majorArray, uint64(len(m.Components)))
	for _, name := range m.Components {
		dst = appendText(dst, name)
	}
	return dst
}

func appendTime(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, simpleNull)
	}
	return appendInt(dst, unixNano(t))
}

// unixNano is t.UnixNano without its overflow.
func unixNano(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// ParseMeta reads what [AppendMeta] wrote, and nothing else: accepted bytes are those that it
// would write of the result. Times are in UTC. The result shares no memory with body, which
// may belong to a transaction. It returns ErrMalformed otherwise.
func ParseMeta(body []byte) (Meta, error) {
	return ViewMeta(bytes.Clone(body)) // for the byte strings; texts are copied again
}

// ViewMeta is ParseMeta with a result whose byte strings are part of body.
func ViewMeta(body []byte) (Meta, error) {
	p := metaParser{rest: body}
	p.expect(majorArray, metaFields)
	m := Meta{
		Created:     p.time(),
		LastAccess:  p.time(),
		End:         p.time(),
		MaxAge:      time.Duration(p.int()),
		Filed:       p.time(),
		User:        p.text(),
		Salt:        p.bytes(),
		Fingerprint: p.bytes(),
		Components:  p.texts(),
	}
	if p.failed || len(p.rest) > 0 {
		return Meta{}, fmt.Errorf("parse metadata: %w", ErrMalformed)
	}
	return m, nil
}

// MetaIndexed returns under what the indexes have a session, its deadline in nanoseconds and its user,
// from a record that [Seal] made of an [AppendMeta], without a look at the checksum: of a damaged one it
// returns anything. The user is part of rec.
func MetaIndexed(rec []byte) (filed int64, user []byte) {
	if len(rec) < 1+crc32.Size {
		return 0, nil
	}
	p := metaParser{rest: rec[1 : len(rec)-crc32.Size]}
	p.expect(majorArray, metaFields)
	for range 5 { // the times and the age; the deadline is the last of them
		if len(p.rest) > 0 && p.rest[0] == simpleNull {
			filed, p.rest = 0, p.rest[1:]
		} else {
			filed = p.int()
		}
	}
	return filed, p.string(majorText)
}

// metaParser reads one element after another; after a failure it reads zero values.
type metaParser struct {
	rest   []byte
	failed bool
}

// fail drops the rest, so that every later read fails as well.
func (p *metaParser) fail() { p.rest, p.failed = nil, true }

// head reads a head and leaves the rest behind it.
func (p *metaParser) head(major byte) uint64 {
	arg, n := readShortest(p.rest, major)
	if n == 0 {
		p.fail()
		return 0
	}
	p.rest = p.rest[n:]
	return arg
}

func (p *metaParser) expect(major byte, arg uint64) {
	if p.head(major) != arg {
		p.fail()
	}
}

func (p *metaParser) int() int64 {
	major := byte(majorUint)
	if len(p.rest) > 0 && p.rest[0]>>5 == majorNegative {
		major = majorNegative
	}
	arg := p.head(major)
	if arg > math.MaxInt64 {
		p.fail()
		return 0
	}
	if major == majorNegative {
		return ^int64(arg)
	}
	return int64(arg)
}

func (p *metaParser) time() time.Time {
	if len(p.rest) > 0 && p.rest[0] == simpleNull {
		p.rest = p.rest[1:]
		return time.Time{}
	}
	n := p.int()
	if p.failed {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// string reads a string without copying it.
func (p *metaParser) string(major byte) []byte {
	s, rest, ok := readString(p.rest, major)
	if !ok || major == majorText && !utf8.Valid(s) {
		p.fail()
		return nil
	}
	p.rest = rest
	return s
}

func (p *metaParser) text() string { return string(p.string(majorText)) }

func (p *metaParser) bytes() []byte {
	if s := p.string(majorBytes); len(s) > 0 {
		return s
	}
	return nil
}

// globalOnly is the Components of most sessions, without an allocation for each.
var globalOnly = []string{""}

func (p *metaParser) texts() []string {
	count := p.head(majorArray)
	if count > uint64(len(p.rest)) { // a text takes a byte: nothing is allocated on a bare promise
		p.fail()
	}
	if p.failed || count == 0 {
		return nil
	}
	if count == 1 && p.rest[0] == majorText<<5 { // most sessions have the global component only
		p.rest = p.rest[1:]
		return globalOnly
	}
	texts := make([]string, count)
	for i := range texts {
		texts[i] = p.text()
	}
	return texts
}
