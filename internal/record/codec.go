package record

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// modes are the options of the encoding, checked once; both are immutable.
type modes struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

var codec = newModes()

// newModes panics on options that contradict each other: they are constants.
func newModes() modes {
	encoding := cbor.CoreDetEncOptions()
	encoding.Time = cbor.TimeRFC3339Nano // the only form that keeps the zone offset
	encoding.TimeTag = cbor.EncTagRequired
	encoding.ByteArray = cbor.ByteArrayToByteSlice // half the bytes of an array of numbers
	enc, err := encoding.EncMode()
	if err != nil {
		panic(err)
	}
	dec, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  maxDepth,
		MaxArrayElements: maxArray,
		MaxMapPairs:      maxPairs,
		IndefLength:      cbor.IndefLengthForbidden,
		IntDec:           cbor.IntDecConvertSignedOrFail,
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		UTF8:             cbor.UTF8RejectInvalid,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return modes{enc: enc, dec: dec}
}

// Encode returns the encoding of v if decoding it into a variable of v's type gives an equal
// value, and if it takes at most max bytes. It returns an error that wraps ErrUnsupported or
// ErrTooLarge otherwise, and says why. A pointer is stored as what it points to, so that the
// encoding decodes into its element type too; nil and nil pointers are refused.
//
// Equal is what reflect.DeepEqual says of the exported fields, promoted ones included and those
// tagged "-" excluded, except that
//   - times are equal at the same instant and zone offset;
//   - NaN equals NaN;
//   - with omitempty or omitzero, a nil slice or map equals an empty one;
//   - a type with its own marshaler (cbor.Marshaler or encoding.BinaryMarshaler) is asked by its
//     Equal method, if there is one that takes its own type; otherwise, beside its exported
//     fields being equal, both values must encode to the same bytes.
//
// Structs that keep all their state in unexported fields need such a marshaler, with its
// unmarshaler on the pointer. An interface holds nil, bool, int64, float64, string, []byte,
// []any, map[string]any or a time.Time, because it comes back as one of them.
func Encode(v any, max int) ([]byte, error) {
	if s, ok := newScalar(v); ok {
		return s.encode(max)
	}
	data, refused := encode(reflect.ValueOf(v), max)
	if refused != nil {
		return nil, refused
	}
	return data, nil
}

func encode(v reflect.Value, max int) ([]byte, *refusal) {
	if !v.IsValid() {
		return nil, unsupported("nil cannot be stored: remove the key instead")
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, unsupported(fmt.Sprintf("a nil %s cannot be stored: remove the key instead", v.Type()))
	}
	w := walker{max: max, shapes: shapes{}}
	if r := w.shapes.check(v.Type()); r != nil {
		return nil, r
	}
	if r := w.value(v, 0); r != nil {
		return nil, r
	}
	data, err := codec.enc.Marshal(v.Interface())
	if err != nil {
		return nil, marshalRefusal(v.Type(), err)
	}
	if len(data) > max {
		return nil, overMax(len(data), max)
	}
	if r := readsBack(v, data, w.shapes); r != nil {
		return nil, r
	}
	return data, nil
}

// readsBack refuses v if data, its encoding, does not decode to an equal value.
func readsBack(v reflect.Value, data []byte, known shapes) *refusal {
	back := reflect.New(v.Type())
	if err := codec.dec.Unmarshal(data, back.Interface()); err != nil {
		r := decodeRefusal(data, err)
		if r.kind != ErrTooLarge {
			r.kind = ErrUnsupported
		}
		r.why = "cannot be read back: " + r.why
		return r.in(v.Type().String())
	}
	c := comparer{shapes: known}
	return c.equal(v, back.Elem(), false)
}

// Decode decodes data into *dst. dst is a non-nil pointer. What *dst holds is replaced, never
// merged into, and stays as it is when Decode returns an error. Nothing in *dst shares memory
// with data, unless an UnmarshalCBOR method keeps what it is given. An error's text tells
// types, never a value.
func Decode(data []byte, dst any) error {
	if decodeScalar(data, dst) {
		return nil
	}
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return errors.New("decoding needs a non-nil pointer")
	}
	if endless := endlessIn(v.Type()); endless != nil {
		return unsupported(fmt.Sprintf("%s points to itself", endless))
	}
	fresh := reflect.New(v.Type().Elem())
	if err := codec.dec.Unmarshal(data, fresh.Interface()); err != nil {
		return decodeRefusal(data, err)
	}
	v.Elem().Set(fresh.Elem())
	return nil
}

func overMax(size, max int) *refusal {
	return tooLarge(fmt.Sprintf("takes %d bytes encoded, the limit is %d", size, max))
}

// marshalRefusal puts an encoder's error into words of ours: its own may tell values.
func marshalRefusal(t reflect.Type, err error) *refusal {
	switch e := err.(type) {
	case *cbor.UnsupportedTypeError:
		return unsupported(fmt.Sprintf("%s cannot be stored", e.Type))
	case *cbor.UnsupportedValueError:
		return unsupported("a time.Time of this year cannot be stored").in(t.String())
	}
	return &refusal{kind: ErrUnsupported, where: t.String(), why: "its marshaler failed", cause: err}
}

// decodeRefusal puts a decoder's error into words of ours: its own may tell values and keys.
func decodeRefusal(data []byte, err error) *refusal {
	if r := limitRefusal(err); r != nil {
		return r
	}
	if rest, ok := skip(data, 0); !ok || len(rest) > 0 {
		return &refusal{kind: ErrMalformed, why: "not well-formed"}
	}
	switch e := err.(type) {
	case *cbor.UnmarshalTypeError:
		return &refusal{where: e.StructFieldName, why: fmt.Sprintf("%s does not fit into %s", e.CBORType, e.GoType)}
	case *cbor.DupMapKeyError:
		return &refusal{why: "two map keys are the same when encoded"}
	case *cbor.InvalidMapKeyTypeError:
		return &refusal{why: "a map key has a type that Go does not take"}
	case *cbor.SemanticError:
		return &refusal{why: "a text is not valid UTF-8"}
	}
	return &refusal{why: "its unmarshaler does not take it", cause: err}
}

func limitRefusal(err error) *refusal {
	switch err.(type) {
	case *cbor.MaxNestedLevelError:
		return unsupported(fmt.Sprintf("nested deeper than %d levels", maxDepth))
	case *cbor.MaxArrayElementsError:
		return tooLarge(fmt.Sprintf("more than %d elements in a slice", maxArray))
	case *cbor.MaxMapPairsError:
		return tooLarge(fmt.Sprintf("more than %d keys in a map", maxPairs))
	}
	return nil
}
