package record

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/fxamacker/cbor/v2"
)

// limit is the size limit of tests that are not about it.
const limit = 64 << 10

type cart struct {
	Owner string
	Items map[string]int
	Notes []string `cbor:"notes,omitempty"`
	Added time.Time
	mu    sync.Mutex //lint:ignore U1000 state that is not stored
	cache int
}

type base struct{ ID int }

type Exported struct{ Name string }

type derived struct {
	base
	*Exported
	N int
}

type shadowed struct {
	base
	ID int
}

type tree struct {
	Left, Right *tree
	N           int
}

type ring struct {
	Next *ring
	Any  any
}

type selfEmbedded struct {
	*selfEmbedded
	N int
}

type tuple struct {
	_ struct{} `cbor:",toarray"`
	A int
	B string
}

type ignoring struct {
	A int
	F func()   `cbor:"-"`
	C chan int `json:"-"`
}

type holder struct{ Value any }

type pointerLoop *pointerLoop

// accepted are values that come back equal.
func accepted() map[string]any {
	zone := time.FixedZone("", -5*3600-1800)
	seven := 7
	pointer := &seven
	return map[string]any{
		"bool": true, "int": -5, "uint64 max": uint64(math.MaxUint64), "string": "é\x00", "bytes": []byte{0xff},
		"nil bytes": []byte(nil), "empty bytes": []byte{}, "nan": math.NaN(), "float32": float32(0.1),
		"named": time.Second, "named string": reflect.Kind(3), "rune": 'x',
		"nil slice": []string(nil), "empty slice": []string{}, "nil map": map[string]int(nil), "empty map": map[int]bool{},
		"array": [3]int{1, 2, 3}, "byte array": [32]byte{1, 31: 9}, "empty array": [0]int{},
		"slices": [][]string{nil, {}, {"a"}}, "nil pointers": []*int{nil, pointer}, "pointer": pointer, "pointers": &pointer,
		"map of structs": map[string]Exported{"a": {"x"}}, "int keys": map[int8]string{-1: "a", 1: "b"},
		"array keys": map[[2]string]int{{"a", "b"}: 1}, "struct keys": map[base]int{{1}: 1}, "any keys": map[any]int{"a": 1, int64(2): 2},
		"struct":         cart{Owner: "me", Items: map[string]int{"a": 1}, Notes: []string{}, Added: time.Now()},
		"struct pointer": &cart{cache: 4}, "empty struct": struct{}{}, "blank only": struct{ _ int }{},
		"embedded": derived{base{1}, &Exported{"x"}, 2}, "embedded nil": derived{N: 2}, "shadowed zero": shadowed{ID: 4},
		"tree": tree{&tree{nil, nil, 1}, nil, 2}, "self embedded": selfEmbedded{nil, 1}, "toarray": tuple{A: 1, B: "b"},
		"shared": [2]*int{pointer, pointer}, "ignoring": ignoring{A: 1, F: func() {}, C: make(chan int)},
		"embedded mutex": struct {
			sync.Mutex
			N int
		}{N: 1},
		"nil opaque": struct{ Location *time.Location }{},
		"utc":        time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "zone": time.Date(1900, 1, 2, 3, 4, 5, 999999999, zone),
		"zero time": time.Time{}, "times": []time.Time{{}, time.Unix(0, 0).UTC()}, "local": time.Now(),
		"big": *big.NewInt(-3), "huge": new(big.Int).Lsh(big.NewInt(1), 200),
		"addr": netip.MustParseAddr("::1%eth0"), "prefix": []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "zero addr": netip.Addr{},
		"url": url.URL{Scheme: "https", User: url.UserPassword("a", "b"), Host: "x", Path: "/"}, "raw": cbor.RawMessage{0x81, 0x01},
		"any": holder{"x"}, "any nil": holder{}, "any nan": holder{math.NaN()}, "any time": holder{time.Unix(1, 0).UTC()},
		"any tree":  []any{nil, true, int64(1), 1.5, "x", []byte{1}, []any{}, map[string]any{"a": []any{int64(1)}}},
		"nil error": struct{ Err error }{}, "depth 16": nested(16), "4096 elements": make([]int, maxArray),
		"own marshaler": both{3}, "equal method": rounding{0.25}, "cyclic with marshaler": newKnot(),
		"omitzero": struct {
			M map[string]int `cbor:",omitzero"`
			T time.Time      `cbor:",omitzero"`
		}{M: nil},
		"nil in omitempty": struct {
			S []int `json:",omitempty"`
		}{S: []int{}},
	}
}

// nested returns n slices inside each other.
func nested(n int) any {
	t := reflect.TypeFor[int]()
	for range n {
		t = reflect.SliceOf(t)
	}
	outer := reflect.New(t).Elem()
	for v := outer; v.Kind() == reflect.Slice; v = v.Index(0) {
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	}
	return outer.Interface()
}

func TestEncodeAccepts(t *testing.T) {
	for name, v := range accepted() {
		t.Run(name, func(t *testing.T) {
			data, err := Encode(v, limit)
			if err != nil {
				t.Fatal(err)
			}
			got := reflect.New(reflect.TypeOf(v))
			if err := Decode(data, got.Interface()); err != nil {
				t.Fatal(err)
			}
			if want, got := dump(v), dump(got.Elem().Interface()); got != want {
				t.Errorf("came back as\n%s, want\n%s", got, want)
			}
			if rest, ok := skip(data, 0); !ok || len(rest) > 0 {
				t.Errorf("% x would not be taken in a Map", data)
			}
			again, err := Encode(got.Elem().Interface(), limit)
			if err != nil || string(again) != string(data) {
				t.Errorf("encodes to % x the second time (%v), want % x", again, err, data)
			}
		})
	}
}

// refused are values that would not, with what the error has to say.
func refused() map[string]struct {
	v    any
	kind error
	says string
} {
	var nilPointer *int
	var loop pointerLoop
	var nilSlice []int
	cyclicMap := map[string]any{}
	cyclicMap["x"] = cyclicMap
	wide := map[string]any{}
	for i := range 20 {
		wide[fmt.Sprint(i)] = wide
	}
	cyclicSlice := make([]any, 1)
	cyclicSlice[0] = cyclicSlice
	self := &ring{}
	self.Next = self
	embedded := &selfEmbedded{}
	embedded.selfEmbedded = embedded
	type row = struct {
		v    any
		kind error
		says string
	}
	un := func(v any, says string) row { return row{v, ErrUnsupported, says} }
	large := func(v any, says string) row { return row{v, ErrTooLarge, says} }
	return map[string]row{
		"nil": un(nil, "remove the key"), "nil pointer": un(nilPointer, "a nil *int"), "pointer to nil": un(&nilPointer, "comes back as nil"),
		"pointer to nil slice": un(&nilSlice, "comes back as nil"), "pointer to zero time": un(&time.Time{}, "comes back as nil"),
		"chan": un(make(chan int), "chan int cannot be stored"), "nil func": un([]func(){}, "func() cannot be stored"),
		"complex": un(complex(1, 2), "complex128 cannot be stored"), "uintptr": un(uintptr(1), "uintptr cannot"),
		"unsafe": un(unsafe.Pointer(nil), "unsafe.Pointer cannot"), "chan in map type": un(map[string]chan int(nil), "chan int cannot"),
		"func in struct": un(struct{ F func() }{}, ".F: func() cannot be stored"), "pointer type loop": un(&loop, "points to itself"),
		"slice of pointer loop": un([]pointerLoop{}, "points to itself"),
		"pointer loop tagged out": un(struct {
			A int
			P pointerLoop `json:"-"`
		}{}, ".P: record.pointerLoop points to itself"),
		"unexported pointer loop": un([]struct {
			A int
			p **pointerLoop
		}{}, ".p: **record.pointerLoop points to itself"),
		"cyclic map": un(cyclicMap, "contains itself"), "wide cyclic map": un(wide, "contains itself"),
		"cyclic slice": un(cyclicSlice, "contains itself"), "cyclic pointer": un(self, "contains itself"),
		"cyclic value": un(*self, "contains itself"), "cyclic embedding": un(embedded, "contains itself"),
		"embedding lost": un(selfEmbedded{&selfEmbedded{nil, 1}, 2}, "does not come back equal"),
		"long embedding": un(embeddings(40), "nested deeper than 16 levels"),
		"hidden time":    un(aliased{N: 1}, "does not come back equal"),
		"depth 17":       un(nested(17), "deeper than 16"), "deep tree": un(list(17), "deeper than 16"), "fan out": large(wideFan(8), "more than 1048576 values"),
		"utf-8": un("a\xff", "UTF-8"), "utf-8 inside": un([]string{"a\xff"}, "UTF-8"), "utf-8 key": un(map[string]int{"\xff": 1}, "UTF-8"),
		"utf-8 any": un([]any{"\xff"}, "UTF-8"), "nan key": un(map[float64]int{math.NaN(): 1}, "key"),
		"pointer key": un(map[*int]int{new(int): 1}, "key"), "zone key": un(map[time.Time]int{time.Unix(0, 0).In(time.FixedZone("", 1800)): 1}, "key"),
		"mutex": un(&sync.Mutex{}, "sync.Mutex keeps its state in unexported fields"), "mutex field": un(struct{ Mu sync.Mutex }{}, "unexported fields"),
		"only embedded mutex": un(struct{ sync.Mutex }{}, "unexported fields"), "error value": un(errors.New("x"), "unexported fields"),
		"location": un(time.UTC, "unexported fields"), "one way": un(oneWayType{1}, "without its unmarshaler"), "failing": un(failing{}, "marshaler failed"),
		"lossy": un(lossy{1, 2}, "does not come back equal"), "lossy hidden": un(&lossyHidden{1, 2}, "does not come back equal"),
		"promoted marshaler": un(stamped{time.Unix(1, 0).UTC(), 5}, "does not come back equal"), "lost time": un(ambiguous{Time: time.Unix(1, 0), N: 1}, ".Time"),
		"shadowed": un(shadowed{base{1}, 2}, "does not come back equal"), "hidden pointer": un(struct{ *base }{&base{1}}, ""),
		"named hidden": un(struct {
			base `cbor:"b"`
		}{}, "cannot have a name"),
		"uint64 in any":  un(holder{uint64(math.MaxUint64)}, "uint64 inside an interface comes back as int64"),
		"int in any":     un(holder{1}, "Value: int inside an interface comes back as int64: use int64 or a typed struct"),
		"float32 in any": un(holder{float32(1)}, "float64"), "struct in any": un(holder{base{1}}, "map[string]any"),
		"int map in any": un(holder{map[int]string{1: "a"}}, "map[string]any"), "strings in any": un(holder{[]string{"a"}}, "[]any"),
		"pointer in any": un(holder{&base{}}, "without the pointer"), "nil pointer in any": un(holder{nilPointer}, "without the pointer"),
		"named in any": un(holder{time.Second}, "int64"), "array in any": un(holder{[2]byte{}}, "[]byte"), "func in any": un(holder{func() {}}, "func() cannot"),
		"nil slice in any": un(holder{[]any(nil)}, "comes back as nil"), "nil map in any": un(holder{map[string]any(nil)}, "comes back as nil"),
		"nil bytes in any": un(holder{[]byte(nil)}, "comes back as nil"), "zero time in any": un(holder{time.Time{}}, "comes back as nil"),
		"addr in any": un(holder{netip.Addr{}}, "another type"), "error": un(struct{ Err error }{errors.New("x")}, "inside error cannot be read back"),
		"far year": un(time.Date(10001, 1, 1, 0, 0, 0, 0, time.UTC), "time"), "zero time in a zone": un(time.Time{}.In(time.FixedZone("", 3600)), "zone offset"),
		"second zone": un(time.Unix(0, 0).In(time.FixedZone("", 61)), "zone offset"),
		"raw nil":     un(cbor.RawMessage(nil), ""), "raw invalid": un(cbor.RawMessage{0xff}, "marshaler failed"), "raw deep": un(cbor.RawMessage(strings.Repeat("\x81", 20)+"\x01"), "16"),
		"too large string": large(strings.Repeat("a", limit), "takes 65541 bytes encoded, the limit is 65536"),
		"too large struct": large(Exported{strings.Repeat("a", limit)}, "takes 65547 bytes"), "too large slice": large([]string{strings.Repeat("a", limit), "b"}, "the limit is 65536"),
		"4097 elements": large(make([]int, maxArray+1), "the limit is 4096"), "large array": large([maxArray + 1]bool{}, "the limit is 4096"),
		"1025 keys": large(manyKeys(maxPairs+1), "the limit is 1024"), "raw array": large(cbor.RawMessage("\x99\x10\x01"+strings.Repeat("\x01", 4097)), "4096"),
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, row := range refused() {
		t.Run(name, func(t *testing.T) {
			data, err := Encode(row.v, limit)
			if !errors.Is(err, row.kind) {
				t.Fatalf("gave % x and error %v, want one that is %v", data, err, row.kind)
			}
			if data != nil || !strings.Contains(err.Error(), row.says) {
				t.Errorf("gave % x and error %q, want it to say %q", data, err, row.says)
			}
		})
	}
}

// TestEncodeDeep is refused before the library gets to see it.
func TestEncodeDeep(t *testing.T) {
	var v any
	for range 100000 {
		v = []any{v}
	}
	if _, err := Encode(v, limit); err == nil || err.Error() != "nested deeper than 16 levels" {
		t.Errorf("gave %v, want that it is too deep", err)
	}
}

func TestEncodeExactLimit(t *testing.T) {
	for name, v := range accepted() {
		data, err := Encode(v, limit)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Encode(v, len(data)); err != nil {
			t.Errorf("%s: at its exact size: %v", name, err)
		}
		if _, err := Encode(v, len(data)-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: a byte over the limit gave %v, want ErrTooLarge", name, err)
		}
	}
}
