package record

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// The types that get a treatment of their own.
var (
	timeType   = reflect.TypeFor[time.Time]()
	bigIntType = reflect.TypeFor[big.Int]()

	cborMarshaler     = reflect.TypeFor[cbor.Marshaler]()
	cborUnmarshaler   = reflect.TypeFor[cbor.Unmarshaler]()
	binaryMarshaler   = reflect.TypeFor[encoding.BinaryMarshaler]()
	binaryUnmarshaler = reflect.TypeFor[encoding.BinaryUnmarshaler]()
)

// form is how the encoder takes a type.
type form int

const (
	plain  form = iota // by its kind
	atomic             // time.Time or big.Int, by the library
	custom             // by its own marshaler and unmarshaler
	oneWay             // has a marshaler, but nothing to read it back
	opaque             // a struct with unexported state only
)

// shape is what the encoder makes of one type.
type shape struct {
	form    form
	fields  []field // of a struct
	hidden  bool    // a struct with state in fields that are not stored
	checked bool    // by check, or being checked
}

// methodless is the shape of all predeclared types and of type literals but structs, which can
// have methods from what they embed. It is never written to.
var methodless shape

// field is a struct field that is stored.
type field struct {
	index  int
	name   string
	typ    reflect.Type
	inline bool // embedded: its fields are stored as fields of the outer struct
	omit   bool // left out when empty or zero
	locked bool // unexported, but not inline: the library would panic on setting it
}

// of names the field in an error.
func (f field) of(t reflect.Type) string { return t.String() + "." + f.name }

// shapes has the types of one value. It does not outlive the call: types are looked at once in
// it, however many values of them there are.
type shapes map[reflect.Type]*shape

// of returns the shape of t, which is neither a pointer nor an interface.
func (s shapes) of(t reflect.Type) *shape {
	if t.PkgPath() == "" && t.Kind() != reflect.Struct {
		return &methodless
	}
	if sh, ok := s[t]; ok {
		return sh
	}
	sh := &shape{form: formOf(t)}
	s[t] = sh
	if t.Kind() != reflect.Struct || sh.form == atomic {
		return sh
	}
	sh.fields, sh.hidden = storedFields(t)
	if stored, hidden := s.state(sh, 0); sh.form == plain && hidden && !stored {
		sh.form = opaque
	}
	return sh
}

// formOf decides in the order in which the library does.
func formOf(t reflect.Type) form {
	if t == timeType || t == bigIntType {
		return atomic
	}
	ptr := reflect.PointerTo(t)
	reads := binaryUnmarshaler
	switch {
	case t.Kind() == reflect.Interface || t.Kind() == reflect.Pointer:
		return plain
	case ptr.Implements(cborMarshaler):
		reads = cborUnmarshaler
	case !ptr.Implements(binaryMarshaler):
		return plain
	}
	if !ptr.Implements(reads) {
		return oneWay
	}
	return custom
}

// storedFields returns the fields of a struct that the library looks at, and whether there are
// others with state.
func storedFields(t reflect.Type) (fields []field, hidden bool) {
	fields = make([]field, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		if pointsToItself(f.Type) { // for check to refuse: the library follows the types of all fields
			fields = append(fields, field{index: i, name: f.Name, typ: f.Type})
			continue
		}
		base := f.Type
		if base.Kind() == reflect.Pointer {
			base = base.Elem()
		}
		embedded := f.Anonymous && base.Kind() == reflect.Struct
		if !f.IsExported() && !embedded {
			hidden = hidden || f.Name != "_"
			continue
		}
		tag := f.Tag.Get("cbor")
		if tag == "" {
			tag = f.Tag.Get("json")
		}
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		fields = append(fields, field{
			index:  i,
			name:   f.Name,
			typ:    f.Type,
			inline: embedded && name == "",
			omit:   strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero"),
			locked: !f.IsExported() && name != "",
		})
	}
	return fields, hidden
}

// state says whether a struct or those embedded in it have fields that are stored, and whether
// they have others. level ends the recursion of a struct that embeds a pointer to itself.
func (s shapes) state(sh *shape, level int) (stored, hidden bool) {
	hidden = sh.hidden
	for _, f := range sh.fields {
		if !f.inline {
			return true, hidden
		}
		if level >= maxDepth {
			continue
		}
		inner := f.typ
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		innerStored, innerHidden := s.state(s.of(inner), level+1)
		stored, hidden = stored || innerStored, hidden || innerHidden
	}
	return stored, hidden
}

// check refuses types that can be stored by no value, and those that the library would follow
// for ever.
func (s shapes) check(t reflect.Type) *refusal {
	if pointsToItself(t) {
		return unsupported(fmt.Sprintf("%s points to itself", t))
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Interface {
		return nil
	}
	sh := s.of(t)
	if sh.checked {
		return nil
	}
	if sh != &methodless { // types refer to themselves by a name, so one of them ends the recursion
		sh.checked = true
	}
	if sh.form == custom || sh.form == atomic {
		return nil
	}
	return s.checkKind(t, sh)
}

func (s shapes) checkKind(t reflect.Type, sh *shape) *refusal {
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.Complex64, reflect.Complex128, reflect.Uintptr, reflect.UnsafePointer:
		return unsupported(fmt.Sprintf("%s cannot be stored", t))
	case reflect.Slice, reflect.Array:
		return s.check(t.Elem())
	case reflect.Map:
		if r := s.check(t.Key()); r != nil {
			return r
		}
		return s.check(t.Elem())
	case reflect.Struct:
		return s.checkFields(t, sh)
	}
	return nil
}

func (s shapes) checkFields(t reflect.Type, sh *shape) *refusal {
	for _, f := range sh.fields {
		if f.locked {
			return unsupported("an unexported embedded struct cannot have a name in its tag").in(f.of(t))
		}
		if r := s.check(f.typ); r != nil {
			return r.in(f.of(t))
		}
	}
	return nil
}

// pointsToItself finds the types that no data fits: type P *P.
func pointsToItself(t reflect.Type) bool {
	for range maxDepth {
		if t.Kind() != reflect.Pointer {
			return false
		}
		t = t.Elem()
	}
	return true
}

// endlessTypes has what endlessIn found: decoding asks each time, of the same few types.
var endlessTypes sync.Map // reflect.Type: reflect.Type, nil for none

// endlessIn returns a type that points to itself and that the library would come upon decoding into
// a t, or nil. It looks at all fields of a struct, as the library does, whatever their tags say; those
// that unmarshal themselves are for their own methods to look at.
func endlessIn(t reflect.Type) reflect.Type {
	if known, ok := endlessTypes.Load(t); ok {
		endless, _ := known.(reflect.Type)
		return endless
	}
	endless := findEndless(t, make(map[reflect.Type]bool))
	endlessTypes.Store(t, endless)
	return endless
}

func findEndless(t reflect.Type, seen map[reflect.Type]bool) reflect.Type {
	if seen[t] {
		return nil
	}
	seen[t] = true
	if pointsToItself(t) {
		return t
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return findEndless(t.Elem(), seen)
	case reflect.Map:
		if endless := findEndless(t.Key(), seen); endless != nil {
			return endless
		}
		return findEndless(t.Elem(), seen)
	case reflect.Struct:
		if ptr := reflect.PointerTo(t); ptr.Implements(cborUnmarshaler) || ptr.Implements(binaryUnmarshaler) {
			return nil
		}
		for i := range t.NumField() {
			if endless := findEndless(t.Field(i).Type, seen); endless != nil {
				return endless
			}
		}
	}
	return nil
}
