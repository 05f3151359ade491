package record

import (
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"
)

// maxNodes bounds the work on one value: pointers to pointers can fan out to more than any
// machine walks through.
const maxNodes = 1 << 20

// walker looks at a value before the library does, which would follow a cycle until the
// process dies. It calls no methods of the value.
type walker struct {
	shapes shapes
	max    int
	size   int // that the encoding will have at least
	nodes  int
	path   []ref // the pointers, maps and slices that lead to the current value
}

// ref identifies what a pointer, map or slice refers to.
type ref struct {
	t   reflect.Type
	ptr uintptr
	len int
}

// value refuses v if it cannot be stored. depth is the number of arrays and maps around it.
func (w *walker) value(v reflect.Value, depth int) *refusal {
	if w.nodes++; w.nodes > maxNodes {
		return tooLarge(fmt.Sprintf("more than %d values in one", maxNodes))
	}
	t := v.Type()
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return w.through(v, 0, func() *refusal { return w.value(v.Elem(), depth) })
	case reflect.Interface:
		return w.iface(v, depth)
	}
	sh := w.shapes.of(t)
	switch sh.form {
	case atomic, custom:
		return nil
	case oneWay:
		return unsupported(fmt.Sprintf("%s has a marshaler without its unmarshaler", t))
	case opaque:
		return unsupported(fmt.Sprintf("%s keeps its state in unexported fields: give it MarshalCBOR and UnmarshalCBOR, or MarshalBinary and UnmarshalBinary", t))
	}
	return w.kind(v, sh, depth)
}

func (w *walker) kind(v reflect.Value, sh *shape, depth int) *refusal {
	switch v.Kind() {
	case reflect.String:
		if !utf8.ValidString(v.String()) {
			return unsupported("a string that is not valid UTF-8 cannot be stored: use []byte")
		}
		return w.grow(v.Len())
	case reflect.Slice, reflect.Array:
		return w.elements(v, depth)
	case reflect.Map:
		return w.pairs(v, depth)
	case reflect.Struct:
		if depth >= maxDepth {
			return tooDeep()
		}
		return w.fields(v, sh, depth+1)
	}
	return nil
}

func (w *walker) elements(v reflect.Value, depth int) *refusal {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return w.grow(v.Len())
	}
	if v.Len() > maxArray {
		return tooLarge(fmt.Sprintf("a slice of %d elements cannot be read back, the limit is %d", v.Len(), maxArray))
	}
	if depth >= maxDepth {
		return tooDeep()
	}
	if r := w.grow(v.Len()); r != nil || v.Len() == 0 {
		return r
	}
	each := func() *refusal {
		for i := range v.Len() {
			if r := w.value(v.Index(i), depth+1); r != nil {
				return r
			}
		}
		return nil
	}
	if v.Kind() == reflect.Array {
		return each()
	}
	return w.through(v, v.Len(), each)
}

func (w *walker) pairs(v reflect.Value, depth int) *refusal {
	if v.Len() > maxPairs {
		return tooLarge(fmt.Sprintf("a map of %d keys cannot be read back, the limit is %d", v.Len(), maxPairs))
	}
	if depth >= maxDepth {
		return tooDeep()
	}
	if r := w.grow(2 * v.Len()); r != nil || v.Len() == 0 {
		return r
	}
	return w.through(v, 0, func() *refusal {
		for it := v.MapRange(); it.Next(); {
			if r := w.value(it.Key(), depth+1); r != nil {
				return r
			}
			if r := w.value(it.Value(), depth+1); r != nil {
				return r
			}
		}
		return nil
	})
}

// fields walks the fields of a struct; those of an embedded one are at the same depth.
func (w *walker) fields(v reflect.Value, sh *shape, depth int) *refusal {
	for _, f := range sh.fields {
		var r *refusal
		if f.inline {
			r = w.embedded(v.Field(f.index), depth)
		} else {
			r = w.value(v.Field(f.index), depth)
		}
		if r != nil {
			return r.in(f.of(v.Type()))
		}
	}
	return nil
}

// embedded counts as a level too, lest a chain of embedded pointers take all the stack.
func (w *walker) embedded(v reflect.Value, depth int) *refusal {
	if w.nodes++; w.nodes > maxNodes || depth > 2*maxDepth {
		return tooDeep()
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		return w.through(v, 0, func() *refusal { return w.embedded(v.Elem(), depth+1) })
	}
	return w.fields(v, w.shapes.of(v.Type()), depth)
}

// through goes on behind a pointer, map or slice unless it is on the path already.
func (w *walker) through(v reflect.Value, n int, walk func() *refusal) *refusal {
	at := ref{t: v.Type(), ptr: v.Pointer(), len: n}
	for _, r := range w.path {
		if r == at {
			return unsupported(fmt.Sprintf("%s contains itself", v.Type()))
		}
	}
	w.path = append(w.path, at)
	r := walk()
	w.path = w.path[:len(w.path)-1]
	return r
}

// iface takes what comes back from an interface with the type that went in.
func (w *walker) iface(v reflect.Value, depth int) *refusal {
	if v.IsNil() {
		return nil
	}
	e := v.Elem()
	if v.NumMethod() > 0 {
		return unsupported(fmt.Sprintf("%s inside %s cannot be read back: use a concrete type", e.Type(), v.Type()))
	}
	var null bool
	switch x := e.Interface().(type) {
	case bool, int64, float64, string:
	case []byte:
		null = x == nil
	case []any:
		null = x == nil
	case map[string]any:
		null = x == nil
	case time.Time:
		null = x.IsZero()
	default:
		return unsupported(comesBack(e.Type()))
	}
	if null {
		return unsupported(fmt.Sprintf("a nil or zero %s inside an interface comes back as nil", e.Type()))
	}
	return w.value(e, depth)
}

// comesBack says what becomes of a t inside an interface.
func comesBack(t reflect.Type) string {
	if t.Kind() != reflect.Pointer && formOf(t) != plain {
		return fmt.Sprintf("%s inside an interface comes back as another type: use a typed struct", t)
	}
	as := ""
	switch t.Kind() {
	case reflect.Bool, reflect.String:
		as = t.Kind().String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		as = "int64"
	case reflect.Float32, reflect.Float64:
		as = "float64"
	case reflect.Slice, reflect.Array:
		as = "[]any"
		if t.Elem().Kind() == reflect.Uint8 {
			as = "[]byte"
		}
	case reflect.Struct, reflect.Map:
		as = "map[string]any"
	case reflect.Pointer:
		return fmt.Sprintf("%s inside an interface comes back without the pointer: use a typed struct", t)
	default:
		return fmt.Sprintf("%s cannot be stored", t)
	}
	return fmt.Sprintf("%s inside an interface comes back as %s: use %s or a typed struct", t, as, as)
}

// grow counts what the encoding will take, to refuse early what is far over the limit.
func (w *walker) grow(n int) *refusal {
	if w.size += n; w.size > w.max {
		return tooLarge(fmt.Sprintf("takes at least %d bytes encoded, the limit is %d", w.size, w.max))
	}
	return nil
}

func tooDeep() *refusal {
	return unsupported(fmt.Sprintf("nested deeper than %d levels", maxDepth))
}
