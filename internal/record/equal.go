package record

import (
	"bytes"
	"fmt"
	"math/big"
	"reflect"
	"time"
)

// comparer compares a value with what its encoding decodes to; see [Encode] for the rules. It
// never reads unexported fields.
type comparer struct {
	shapes shapes
	nodes  int
	inside int // types with marshalers: the walker has not been there, and there may be cycles
	seen   map[[2]ref]bool
}

// equal refuses a, the original, if b differs. lax says that empty may come back as nil.
func (c *comparer) equal(a, b reflect.Value, lax bool) *refusal {
	if c.nodes++; c.nodes > maxNodes {
		return tooLarge(fmt.Sprintf("more than %d values in one", maxNodes))
	}
	switch a.Kind() {
	case reflect.Pointer:
		return c.pointer(a, b)
	case reflect.Interface:
		return c.iface(a, b)
	}
	switch c.shapes.of(a.Type()).form {
	case atomic:
		return c.atomic(a, b)
	case custom:
		return c.custom(a, b, lax)
	}
	return c.kind(a, b, lax)
}

func (c *comparer) kind(a, b reflect.Value, lax bool) *refusal {
	same := false
	switch a.Kind() {
	case reflect.Slice, reflect.Map:
		if lax && a.Len() == 0 && b.Len() == 0 {
			return nil
		}
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return differs(a)
		}
		if a.Kind() == reflect.Map {
			return c.pairs(a, b)
		}
		return c.elements(a, b)
	case reflect.Array:
		return c.elements(a, b)
	case reflect.Struct:
		return c.fields(a, b)
	case reflect.Bool:
		same = a.Bool() == b.Bool()
	case reflect.String:
		same = a.String() == b.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		same = a.Int() == b.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		same = a.Uint() == b.Uint()
	case reflect.Float32, reflect.Float64:
		x, y := a.Float(), b.Float()
		same = x == y || x != x && y != y
	case reflect.Complex64, reflect.Complex128:
		same = a.Complex() == b.Complex()
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		same = a.IsNil() && b.IsNil()
	}
	if !same {
		return differs(a)
	}
	return nil
}

func (c *comparer) pointer(a, b reflect.Value) *refusal {
	if a.IsNil() && b.IsNil() {
		return nil
	}
	if b.IsNil() {
		return unsupported(fmt.Sprintf("a %s to what is nil or zero comes back as nil", a.Type()))
	}
	if a.IsNil() {
		return differs(a)
	}
	if c.beenAt(a, b) {
		return nil
	}
	return c.equal(a.Elem(), b.Elem(), false)
}

func (c *comparer) iface(a, b reflect.Value) *refusal {
	if a.IsNil() && b.IsNil() {
		return nil
	}
	if a.IsNil() || b.IsNil() {
		return differs(a)
	}
	if a.Elem().Type() != b.Elem().Type() {
		return unsupported(comesBack(a.Elem().Type()))
	}
	return c.equal(a.Elem(), b.Elem(), false)
}

func (c *comparer) elements(a, b reflect.Value) *refusal {
	if a.Kind() == reflect.Slice {
		if a.Type().Elem().Kind() == reflect.Uint8 {
			if !bytes.Equal(a.Bytes(), b.Bytes()) {
				return differs(a)
			}
			return nil
		}
		if c.beenAt(a, b) {
			return nil
		}
	}
	for i := range a.Len() {
		if r := c.equal(a.Index(i), b.Index(i), false); r != nil {
			return r
		}
	}
	return nil
}

func (c *comparer) pairs(a, b reflect.Value) *refusal {
	if c.beenAt(a, b) {
		return nil
	}
	for it := a.MapRange(); it.Next(); {
		other := b.MapIndex(it.Key())
		if !other.IsValid() {
			return unsupported(fmt.Sprintf("a key of %s is not found any more when it comes back", a.Type()))
		}
		if r := c.equal(it.Value(), other, false); r != nil {
			return r
		}
	}
	return nil
}

func (c *comparer) fields(a, b reflect.Value) *refusal {
	for _, f := range c.shapes.of(a.Type()).fields {
		var r *refusal
		if f.inline {
			r = c.embedded(a.Field(f.index), b.Field(f.index))
		} else {
			r = c.equal(a.Field(f.index), b.Field(f.index), f.omit)
		}
		if r != nil {
			return r.in(f.of(a.Type()))
		}
	}
	return nil
}

// embedded compares by fields, which is how an embedded struct is stored, unless the struct is
// a value of its own.
func (c *comparer) embedded(a, b reflect.Value) *refusal {
	if a.Kind() == reflect.Pointer {
		if a.IsNil() != b.IsNil() {
			return differs(a)
		}
		if a.IsNil() || c.beenAt(a, b) {
			return nil
		}
		a, b = a.Elem(), b.Elem()
	}
	if form := c.shapes.of(a.Type()).form; form == atomic || form == custom {
		return c.equal(a, b, false)
	}
	return c.fields(a, b)
}

// beenAt ends cycles, which only a type's own marshaler can have stored: like
// reflect.DeepEqual, it takes a pair of pointers for equal when it meets it again.
func (c *comparer) beenAt(a, b reflect.Value) bool {
	if c.inside == 0 {
		return false
	}
	pair := [2]ref{refOf(a), refOf(b)}
	if c.seen[pair] {
		return true
	}
	if c.seen == nil {
		c.seen = make(map[[2]ref]bool)
	}
	c.seen[pair] = true
	return false
}

func refOf(v reflect.Value) ref {
	r := ref{t: v.Type(), ptr: v.Pointer()}
	if v.Kind() == reflect.Slice {
		r.len = v.Len()
	}
	return r
}

// atomic compares the values that the library knows.
func (c *comparer) atomic(a, b reflect.Value) *refusal {
	if !a.CanInterface() { // embedded under an unexported name, and not stored
		return differs(a)
	}
	if a.Type() == bigIntType {
		x, y := a.Interface().(big.Int), b.Interface().(big.Int)
		if x.Cmp(&y) != 0 {
			return differs(a)
		}
		return nil
	}
	x, y := a.Interface().(time.Time), b.Interface().(time.Time)
	_, xOffset := x.Zone()
	_, yOffset := y.Zone()
	if !x.Equal(y) || xOffset != yOffset {
		return unsupported("a time.Time with this year or zone offset cannot be stored")
	}
	return nil
}

// custom compares values of a type with a marshaler.
func (c *comparer) custom(a, b reflect.Value, lax bool) *refusal {
	if !a.CanInterface() {
		return differs(a)
	}
	if same, ok := byMethod(a, b); ok {
		if !same {
			return differs(a)
		}
		return nil
	}
	x, err := codec.enc.Marshal(a.Interface())
	if err != nil {
		return marshalRefusal(a.Type(), err)
	}
	y, err := codec.enc.Marshal(b.Interface())
	if err != nil {
		return marshalRefusal(a.Type(), err)
	}
	if !bytes.Equal(x, y) {
		return differs(a)
	}
	c.inside++
	r := c.kind(a, b, lax)
	c.inside--
	return r
}

// byMethod asks the method Equal, if it takes the type that it belongs to.
func byMethod(a, b reflect.Value) (same, ok bool) {
	t := a.Type()
	method, ok := reflect.PointerTo(t).MethodByName("Equal")
	if !ok {
		return false, false
	}
	f := method.Type // (*T).Equal(x) bool
	if f.NumIn() != 2 || f.NumOut() != 1 || f.Out(0).Kind() != reflect.Bool {
		return false, false
	}
	recv, arg := reflect.New(t), reflect.New(t)
	recv.Elem().Set(a)
	arg.Elem().Set(b)
	switch f.In(1) {
	case t:
		arg = arg.Elem()
	case arg.Type():
	default:
		return false, false
	}
	return method.Func.Call([]reflect.Value{recv, arg})[0].Bool(), true
}

func differs(v reflect.Value) *refusal {
	return unsupported(fmt.Sprintf("%s does not come back equal", v.Type()))
}
