//go:build linux

package race

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// value returns a random value of a type.
func (m maker) value(t reflect.Type) reflect.Value {
	v := reflect.New(t).Elem()
	m.fill(v, 0)
	for range 10 {
		if k := v.Kind(); k != reflect.Pointer && k != reflect.Interface || !v.IsNil() {
			return v
		}
		m.fill(v, 0)
	}
	return reflect.ValueOf(true) // nil is refused, and nothing to learn from
}

// fill sets v, which is settable and zero. Now and then, and deep down, it stays zero.
func (m maker) fill(v reflect.Value, depth int) {
	if m.IntN(12) == 0 || depth > 12 || m.known(v) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(m.IntN(2) == 0)
	case reflect.String:
		v.SetString(m.text())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(m.Uint64() >> m.IntN(64)))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(m.Uint64() >> m.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(m.float())
	case reflect.Complex128:
		v.SetComplex(complex(m.float(), 1))
	case reflect.Chan:
		v.Set(reflect.MakeChan(v.Type(), 1))
	case reflect.Func:
		v.Set(reflect.MakeFunc(v.Type(), func([]reflect.Value) []reflect.Value { return nil }))
	default:
		m.fillMany(v, depth)
	}
}

// fillMany sets what has other values in it.
func (m maker) fillMany(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		m.point(v, depth)
	case reflect.Slice:
		n := m.length(4096)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		m.elements(v, depth)
	case reflect.Array:
		m.elements(v, depth)
	case reflect.Map:
		m.pairs(v, depth)
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() || v.Type().Field(i).Anonymous && f.Kind() == reflect.Struct {
				m.fill(f, depth+1)
			}
		}
	}
}

// point makes a pointer to a value. A pointer to what is nil comes back as nil, and is refused.
func (m maker) point(v reflect.Value, depth int) {
	v.Set(reflect.New(v.Type().Elem()))
	m.fill(v.Elem(), depth+1)
	if !m.clean {
		return
	}
	switch elem := v.Elem(); elem.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface, reflect.Pointer, reflect.Struct:
		if elem.IsZero() {
			v.SetZero()
		}
	}
}

// length returns a small number, and sometimes one about a limit.
func (m maker) length(limit int) int {
	if !m.clean && m.IntN(2_000) == 0 {
		return limit - 2 + m.IntN(5)
	}
	return m.IntN(4)
}

func (m maker) elements(v reflect.Value, depth int) {
	if v.Len() > 100 {
		depth = 12 // zero ones will do
	}
	for i := range v.Len() {
		m.fill(v.Index(i), depth+1)
	}
}

func (m maker) pairs(v reflect.Value, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	for range m.length(1024) {
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		m.fill(key, depth+1)
		m.fill(elem, depth+1)
		if key.Comparable() {
			v.SetMapIndex(key, elem)
		}
	}
}

// known sets values of types that have ranges of their own.
func (m maker) known(v reflect.Value) bool {
	if !v.CanSet() {
		return false
	}
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(m.Int64N(1<<35)-1<<34, m.Int64N(1e9)).In(time.FixedZone("", 60*(m.IntN(1600)-800)))
	case *big.Int:
		p.SetBit(big.NewInt(m.Int64()), m.IntN(200), 1)
	case *netip.Addr:
		*p = netip.AddrFrom4([4]byte{byte(m.Uint32()), 1, 2, 3})
	case *url.URL:
		*p = url.URL{Scheme: "https", Host: "example.org", Path: "/" + string(rune('a'+m.IntN(26)))}
	case *json.Number:
		*p = "12.5"
	case *json.RawMessage:
		*p = json.RawMessage(`{"a": 1}`)
	case *valBinary:
		p.n = m.Uint32()
	case *valOpaque:
		p.a = m.Int()
	case *error:
		*p = errors.New("x")
	case *any:
		*p = m.boxed(0)
	case *valTree:
		*p = *m.tree(0)
	case *valWide:
		*p = *m.wide()
	default:
		return false
	}
	return true
}

// boxed returns what comes back from an interface as it went in, and sometimes something else.
func (m maker) boxed(depth int) any {
	if depth < 18 && m.IntN(3) == 0 {
		if m.clean && depth > 5 {
			return m.Int64()
		}
		many := []any{m.boxed(depth + 1)}
		if m.IntN(2) == 0 {
			return many
		}
		return map[string]any{m.text(): many[0], "b": m.float()}
	}
	choices := []any{m.Int64(), m.text(), m.float(), true, []byte{1}, []any{"a", nil}, map[string]any{}, time.Unix(1, 2).UTC(), nil,
		5, uint8(1), float32(1), []string{"a"}, map[int]int{1: 1}, valBase{}, new(int), time.Second, []any(nil), netip.Addr{}, func() {}, m.cycle()}
	if m.clean {
		choices = choices[:9]
	}
	return choices[m.IntN(len(choices))]
}

// cycle returns a slice or a map that contains itself.
func (m maker) cycle() any {
	if m.IntN(2) == 0 {
		s := make([]any, 1)
		s[0] = s
		return s
	}
	c := map[string]any{}
	c["self"] = c
	return c
}

// tree returns a tree, which sometimes is none: it leads back to its root.
func (m maker) tree(depth int) *valTree {
	t := &valTree{Name: valID(m.text())}
	if depth > 3 {
		return t
	}
	if m.IntN(2) == 0 {
		t.Left = m.tree(depth + 1)
	}
	for range m.IntN(3) {
		t.Kids = append(t.Kids, *m.tree(depth + 1))
	}
	if m.IntN(3) == 0 {
		t.Named = map[string]*valTree{"a": m.tree(depth + 1)}
	}
	if !m.clean && m.IntN(40) == 0 {
		t.Right = t
	}
	return t
}

// wide returns levels of structs whose pointers all lead to the next.
func (m maker) wide() *valWide {
	at := &valWide{}
	for range m.IntN(15) {
		at = &valWide{at, at, at, at, at, at, at, at}
	}
	return at
}

func (m maker) text() string {
	if !m.clean && m.IntN(40) == 0 {
		return []string{"bad\xff", "\xed\xa0\x80", strings.Repeat("x", 20_000), strings.Repeat("é", 40_000)}[m.IntN(4)]
	}
	return []string{"", "a", "key", "é中", "\x00", "a somewhat longer text", "b", "$map"}[m.IntN(8)]
}

func (m maker) float() float64 {
	return []float64{0, 1, -1.5, 0.1, math.MaxFloat64, math.Inf(1), math.NaN(), math.SmallestNonzeroFloat64, 65504, m.NormFloat64()}[m.IntN(10)]
}
