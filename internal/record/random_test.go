package record

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// random makes random types, and random values of them.
type random struct {
	*rand.Rand
	clean bool // only what must be accepted
}

var leaves = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](),
	reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](),
	reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[[]byte](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[any](), reflect.TypeFor[time.Duration](), reflect.TypeFor[netip.Addr](),
	reflect.TypeFor[both](), reflect.TypeFor[big.Int](), reflect.TypeFor[tuple](), reflect.TypeFor[derived](), reflect.TypeFor[[5]byte](),
	reflect.TypeFor[lossy](), reflect.TypeFor[chan int](), reflect.TypeFor[complex64](), reflect.TypeFor[error](), reflect.TypeFor[ignoring](),
}

// cleanLeaves are the first of them, whose values are all storable.
const cleanLeaves = 24

func (r random) typ(depth int) reflect.Type {
	if depth == 0 || r.IntN(4) == 0 {
		if r.clean {
			return leaves[r.IntN(cleanLeaves)]
		}
		return leaves[r.IntN(len(leaves))]
	}
	switch r.IntN(6) {
	case 0:
		return reflect.SliceOf(r.typ(depth - 1))
	case 1:
		return reflect.ArrayOf(r.IntN(4), r.typ(depth-1))
	case 2:
		return reflect.MapOf(r.key(), r.typ(depth-1))
	case 3:
		if elem := r.typ(depth - 1); !r.clean || elem.Kind() != reflect.Pointer {
			return reflect.PointerTo(elem)
		}
	}
	return r.structure(depth)
}

func (r random) key() reflect.Type {
	if !r.clean && r.IntN(4) == 0 {
		for {
			if t := r.typ(1); t.Comparable() {
				return t
			}
		}
	}
	return leaves[1+r.IntN(11)] // strings and integers
}

func (r random) structure(depth int) reflect.Type {
	tags := []reflect.StructTag{"", "", `cbor:"name%d"`, `json:"%d,omitempty"`, `cbor:",omitempty"`, `cbor:"%d,keyasint"`, `json:",omitzero"`}
	fields := make([]reflect.StructField, r.IntN(5))
	for i := range fields {
		tag := string(tags[r.IntN(len(tags))])
		if strings.Contains(tag, "%") {
			tag = fmt.Sprintf(tag, i)
		}
		fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: r.typ(depth - 1), Tag: reflect.StructTag(tag)}
	}
	return reflect.StructOf(fields)
}

// value fills v, which must be settable.
func (r random) value(v reflect.Value, depth int) {
	if r.IntN(10) == 0 || depth > 12 {
		return // zero
	}
	if r.known(v) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.String:
		v.SetString(r.text())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64() >> r.IntN(64)))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(r.float())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(v.Elem(), depth+1)
		if k := v.Elem().Kind(); r.clean && (k == reflect.Slice || k == reflect.Map || k == reflect.Interface || v.Elem().Type() == timeType) && v.Elem().IsZero() {
			v.SetZero() // a pointer to nil does not come back
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), r.IntN(4), 4))
		r.elements(v, depth)
	case reflect.Array:
		r.elements(v, depth)
	case reflect.Map:
		r.fill(v, depth)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				r.value(v.Field(i), depth+1)
			}
		}
	}
}

func (r random) elements(v reflect.Value, depth int) {
	for i := range v.Len() {
		r.value(v.Index(i), depth+1)
	}
}

func (r random) fill(v reflect.Value, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	for range r.IntN(4) {
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		r.value(key, depth+1)
		r.value(elem, depth+1)
		if key.Comparable() {
			v.SetMapIndex(key, elem)
		}
	}
}

// known fills values of types that have ranges of their own.
func (r random) known(v reflect.Value) bool {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.Unix(r.Int64N(1<<35)-1<<34, r.Int64N(1e9)).In(time.FixedZone("", 60*(r.IntN(1600)-800)))
	case *big.Int:
		p.SetBit(big.NewInt(r.Int64()), r.IntN(100), 1)
	case *netip.Addr:
		*p = netip.AddrFrom4([4]byte{byte(r.Uint32()), 1, 2, 3})
	case *both:
		p.n = r.Uint32()
	case *any:
		r.boxed(p)
	case *error:
		*p = errors.New("x")
	default:
		return false
	}
	return true
}

// boxed puts into an interface what comes back from it, and now and then something else.
func (r random) boxed(p *any) {
	choices := []any{r.Int64(), r.text(), r.float(), true, []byte{1}, []any{r.text(), nil}, map[string]any{"a": r.Int64()}, time.Unix(1, 2).UTC(), nil,
		5, uint8(1), float32(1), []string{"a"}, map[int]int{1: 1}, base{1}, new(int), time.Second, []any(nil), netip.Addr{}, func() {}}
	if r.clean {
		choices = choices[:9]
	}
	*p = choices[r.IntN(len(choices))]
}

func (r random) text() string {
	texts := []string{"", "a", "key", "é中", "\x00", "a somewhat longer text", "b"}
	if !r.clean && r.IntN(20) == 0 {
		return "bad\xff"
	}
	return texts[r.IntN(len(texts))]
}

func (r random) float() float64 {
	return []float64{0, 1, -1.5, 0.1, math.MaxFloat64, math.Inf(1), math.NaN(), math.SmallestNonzeroFloat64, 65504, r.NormFloat64()}[r.IntN(10)]
}

// TestEncodeRandomValues stores random values of random types: what is accepted comes back, and
// what is made of storable parts is accepted.
func TestEncodeRandomValues(t *testing.T) {
	types, each := 2000, 100
	if testing.Short() {
		types = 200
	}
	var taken, refusedValues int
	for i := range types {
		r := random{Rand: rand.New(rand.NewPCG(uint64(i), 7)), clean: i%2 == 0}
		typ := r.typ(4)
		for range each {
			v := reflect.New(typ).Elem()
			r.value(v, 0)
			if v.IsZero() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
				continue // nil is refused, and nothing to be learnt from
			}
			if comesBackEqual(t, r, v) {
				taken++
			} else {
				refusedValues++
			}
			if t.Failed() {
				t.Fatalf("random type %d: %s", i, typ)
			}
		}
	}
	t.Logf("%d values accepted, %d refused", taken, refusedValues)
	if all := taken + refusedValues; taken < all/2 || refusedValues < all/20 {
		t.Errorf("of %d values %d were accepted: the values are not random enough", all, taken)
	}
}

func comesBackEqual(t *testing.T, r random, v reflect.Value) (accepted bool) {
	data, err := Encode(v.Interface(), 1<<20)
	if err != nil {
		if r.clean {
			t.Errorf("refused %s: %v", dump(v.Interface()), err)
		}
		if !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrTooLarge) {
			t.Errorf("refused with %v, which is no sentinel", err)
		}
		return false
	}
	got := reflect.New(reflect.TypeOf(v.Interface())) // of what an interface holds
	if err := Decode(data, got.Interface()); err != nil {
		t.Errorf("accepted, but does not decode: %v", err)
	} else if want, got := dump(v.Interface()), dump(got.Elem().Interface()); got != want {
		t.Errorf("came back as\n%s, want\n%s", got, want)
	}
	if rest, ok := skip(data, 0); !ok || len(rest) > 0 {
		t.Errorf("% x would not be taken in a Map", data)
	}
	return true
}
