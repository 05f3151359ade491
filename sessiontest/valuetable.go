package sessiontest

import (
	"encoding"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/boltsession/session"
)

// acceptedValue is a value that comes back equal, under a key of its own.
type acceptedValue struct {
	name  string
	set   func(session.Values) error
	equal func(session.Values) bool // what is stored is the value
}

func value[T any](name string, v T) acceptedValue {
	return valueBy(name, v, func(a, b T) bool { return reflect.DeepEqual(a, b) })
}

func valueBy[T any](name string, v T, equal func(a, b T) bool) acceptedValue {
	key := session.Key[T]("value: " + name)
	return acceptedValue{
		name: name,
		set:  func(c session.Values) error { return key.Set(c, v) },
		equal: func(c session.Values) bool {
			got, ok := key.Get(c)
			return ok && equal(got, v)
		},
	}
}

// profile has what a struct in a session usually has.
type profile struct {
	Name    string
	Age     int
	Seen    time.Time
	Tags    []string
	Rights  map[string]bool
	Address *address
	Raw     []byte
	Small   [3]uint16
	address
}

type address struct {
	Street string
	Zip    int
}

// point keeps its state to itself and has a marshaler.
type point struct{ x, y byte }

var (
	_ encoding.BinaryMarshaler   = point{}
	_ encoding.BinaryUnmarshaler = (*point)(nil)
)

func (p point) MarshalBinary() ([]byte, error) { return []byte{p.x, p.y}, nil }

func (p *point) UnmarshalBinary(b []byte) error {
	p.x, p.y = b[0], b[1]
	return nil
}

func accepted() []acceptedValue {
	seen := time.Date(2026, 2, 28, 23, 59, 58, 123456789, time.UTC)
	west := seen.In(time.FixedZone("", -5*3600))
	return []acceptedValue{
		value("false", false),
		value("an int", -42),
		value("the least int64", int64(math.MinInt64)),
		value("the largest int64", int64(math.MaxInt64)),
		value("the largest uint64", uint64(math.MaxUint64)),
		value("a uint8", uint8(255)),
		value("a float", math.Pi),
		value("an infinite float", math.Inf(-1)),
		valueBy("NaN", math.NaN(), func(a, _ float64) bool { return math.IsNaN(a) }),
		value("an empty string", ""),
		value("text", "naïve ☃ \x00 \n 日本語"),
		value("long text", strings.Repeat("snow ☃ ", 500)),
		value("no bytes", []byte{}),
		value("all bytes", allBytes()),
		value("a slice", []string{"b", "a", ""}),
		value("an empty slice", []int{}),
		value("a map", map[string]int{"a": 1, "": 2, "b\x00": 3}),
		value("a map by number", map[int]string{-1: "a", 7: "b"}),
		value("a nested map", map[string]map[string][]byte{"a": {"b": allBytes()}}),
		value("a map of anything", map[string]any{"a": int64(1), "b": []any{"c", true, nil}, "d": map[string]any{"e": 1.5}}),
		value("a struct", profile{Name: "Anna", Age: 41, Tags: []string{"a"}, Rights: map[string]bool{"edit": true},
			Address: &address{"Road", 7}, Raw: []byte{0, 0xff}, Small: [3]uint16{1, 2, 3}, address: address{"Lane", 8}, Seen: seen}),
		value("a zero struct", profile{}),
		value("a slice of structs", []address{{"Road", 7}, {}}),
		value("a struct with a marshaler", point{3, 4}),
		value("a duration", time.Duration(90*time.Minute+7)),
		valueBy("a time", seen, sameTime),
		valueBy("a time in another zone", west, sameTime),
		valueBy("the zero time", time.Time{}, sameTime),
	}
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

func sameTime(a, b time.Time) bool {
	_, offsetA := a.Zone()
	_, offsetB := b.Zone()
	return a.Equal(b) && offsetA == offsetB
}

// loop is a type whose values can contain themselves.
type loop struct{ Next *loop }

// hidden keeps its state to itself and has no marshaler.
type hidden struct{ state int }

// refused are values that could not come back equal.
func refused() map[string]any {
	cyclicMap := map[string]any{}
	cyclicMap["self"] = cyclicMap
	cyclic := &loop{}
	cyclic.Next = cyclic
	deep := any("end")
	for range 20 {
		deep = []any{deep}
	}
	return map[string]any{
		"nil":                            nil,
		"a nil pointer":                  (*address)(nil),
		"a func":                         func() {},
		"a chan":                         make(chan int),
		"a complex number":               1i,
		"a struct with a func":           struct{ F func() }{func() {}},
		"a map that contains itself":     cyclicMap,
		"a pointer that leads to itself": cyclic,
		"invalid UTF-8":                  "\xff\xfe",
		"invalid UTF-8 inside":           []string{"\xff"},
		"a map with the key NaN":         map[float64]int{math.NaN(): 1},
		"too deep a nesting":             deep,
		"a struct of hidden state":       hidden{1},
		"an int inside an interface":     []any{1},
	}
}
