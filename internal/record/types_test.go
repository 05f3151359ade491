package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

var errMarshal = errors.New("s3cr3t 31337")

// failing fails with an error that tells a value.
type failing struct{ N int }

func (failing) MarshalCBOR() ([]byte, error) { return nil, errMarshal }
func (*failing) UnmarshalCBOR([]byte) error  { return errMarshal }

// both has its state in an unexported field and the marshaler that this takes.
type both struct{ n uint32 }

func (b both) MarshalBinary() ([]byte, error) { return binary.BigEndian.AppendUint32(nil, b.n), nil }
func (b *both) UnmarshalBinary(data []byte) error {
	if len(data) != 4 {
		return errors.New("not four bytes")
	}
	b.n = binary.BigEndian.Uint32(data)
	return nil
}

// oneWayType can be written but not read.
type oneWayType struct{ n int }

func (oneWayType) MarshalBinary() ([]byte, error) { return []byte{1}, nil }

// lossy stores one of its two exported fields.
type lossy struct{ A, B int }

func (l lossy) MarshalCBOR() ([]byte, error) { return codec.enc.Marshal(l.A) }
func (l *lossy) UnmarshalCBOR(b []byte) error {
	l.B = 0
	return codec.dec.Unmarshal(b, &l.A)
}

// lossyHidden writes two unexported fields and reads one.
type lossyHidden struct{ a, b int }

func (l *lossyHidden) MarshalCBOR() ([]byte, error) { return codec.enc.Marshal([]int{l.a, l.b}) }
func (l *lossyHidden) UnmarshalCBOR(b []byte) error {
	var both []int
	err := codec.dec.Unmarshal(b, &both)
	if len(both) > 0 {
		l.a = both[0]
	}
	return err
}

// rounding says itself that a rounded value is equal.
type rounding struct{ F float64 }

func (r rounding) MarshalCBOR() ([]byte, error) { return codec.enc.Marshal(int(r.F)) }
func (r *rounding) UnmarshalCBOR(b []byte) error {
	return codec.dec.Unmarshal(b, &r.F)
}
func (r rounding) Equal(other rounding) bool { return math.Trunc(r.F) == math.Trunc(other.F) }

// stamped gets time.Time's marshaler by embedding it, which loses N.
type stamped struct {
	time.Time
	N int
}

// ambiguous gets nobody's: its two embedded values are lost, for they have no exported fields.
type ambiguous struct {
	time.Time
	netip.Addr
	N int
}

type hiddenTime = time.Time

// aliased embeds a time under an unexported name, where reflection cannot get it out.
type aliased struct {
	hiddenTime
	netip.Addr
	N int
}

// embeddings returns a chain of n embedded pointers.
func embeddings(n int) *selfEmbedded {
	var e *selfEmbedded
	for range n {
		e = &selfEmbedded{selfEmbedded: e}
	}
	return e
}

// knot points to itself, and has a marshaler that knows.
type knot struct {
	Self *knot
	Name string
}

func newKnot() *knot {
	k := &knot{Name: "k"}
	k.Self = k
	return k
}

func (k *knot) MarshalCBOR() ([]byte, error) { return codec.enc.Marshal(k.Name) }
func (k *knot) UnmarshalCBOR(b []byte) error {
	k.Self = k
	return codec.dec.Unmarshal(b, &k.Name)
}

// list returns a linked list of n structs.
func list(n int) *tree {
	var head *tree
	for range n {
		head = &tree{Left: head}
	}
	return head
}

// wide has pointers enough to fan out beyond measure within the depth that is allowed.
type wide struct{ A, B, C, D, E, F, G, H *wide }

// wideFan returns n levels of structs whose pointers all lead to the next level.
func wideFan(n int) *wide {
	at := &wide{}
	for range n - 1 {
		at = &wide{at, at, at, at, at, at, at, at}
	}
	return at
}

func manyKeys(n int) map[int]bool {
	m := make(map[int]bool)
	for i := range n {
		m[i] = true
	}
	return m
}

// dump writes out what of a value has to come back, for comparing without the code under test.
func dump(v any) string {
	var b strings.Builder
	dumpValue(&b, reflect.ValueOf(v), false)
	return b.String()
}

// dumpKnown writes values that dumpValue would not see into.
func dumpKnown(b *strings.Builder, v reflect.Value) bool {
	switch x := v.Interface().(type) {
	case time.Time:
		_, offset := x.Zone()
		fmt.Fprintf(b, "time(%s %d)", x.UTC().Format("2006-01-02T15:04:05.000000000"), offset)
	case big.Int:
		b.WriteString(x.String())
	case netip.Addr:
		b.WriteString(x.String())
	case netip.Prefix:
		b.WriteString(x.String())
	case url.URL:
		b.WriteString(x.String())
	case both:
		fmt.Fprint(b, x.n)
	case rounding:
		fmt.Fprint(b, int(x.F))
	case knot:
		fmt.Fprint(b, x.Name, x.Self != nil && x.Self.Name == x.Name)
	case cbor.RawMessage:
		fmt.Fprintf(b, "% x", []byte(x))
	default:
		return false
	}
	return true
}

func dumpValue(b *strings.Builder, v reflect.Value, omit bool) {
	if !v.IsValid() {
		b.WriteString("nil")
		return
	}
	if v.CanInterface() && dumpKnown(b, v) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		fmt.Fprintf(b, "&%s ", v.Elem().Type())
		dumpValue(b, v.Elem(), false)
	case reflect.Struct:
		dumpStruct(b, v)
	case reflect.Map:
		if v.IsNil() && !omit {
			b.WriteString("nil")
			return
		}
		var pairs []string
		for it := v.MapRange(); it.Next(); {
			var pair strings.Builder
			dumpValue(&pair, it.Key(), false)
			pair.WriteByte(':')
			dumpValue(&pair, it.Value(), false)
			pairs = append(pairs, pair.String())
		}
		slices.Sort(pairs)
		fmt.Fprintf(b, "{%s}", strings.Join(pairs, ","))
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && v.IsNil() && !omit {
			b.WriteString("nil")
			return
		}
		b.WriteByte('[')
		for i := range v.Len() {
			dumpValue(b, v.Index(i), false)
			b.WriteByte(',')
		}
		b.WriteByte(']')
	default:
		fmt.Fprintf(b, "%#v", v)
	}
}

func dumpStruct(b *strings.Builder, v reflect.Value) {
	b.WriteByte('{')
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag := f.Tag.Get("cbor") + f.Tag.Get("json")
		if tag != "-" && (f.IsExported() || f.Anonymous) {
			fmt.Fprintf(b, "%s:", f.Name)
			dumpValue(b, v.Field(i), strings.Contains(tag, ",omit"))
			b.WriteByte(' ')
		}
	}
	b.WriteByte('}')
}
