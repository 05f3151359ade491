//go:build linux

package race

import (
	"math/big"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// sameValue says whether two values of a type are equal as far as Set promises: in exported fields,
// those tagged "-" excepted. Times are equal at the same instant and zone offset, NaN equals NaN, and
// what omitempty or omitzero leave out, nil or empty, is the same. It knows nothing of how values are
// stored.
func sameValue(a, b reflect.Value, omitted bool) bool {
	if a.Type() != b.Type() {
		return false
	}
	if same, known := sameKnown(a, b); known {
		return same
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		return a.IsNil() == b.IsNil() && (a.IsNil() || sameValue(a.Elem(), b.Elem(), false))
	case reflect.Struct:
		return sameFields(a, b)
	case reflect.Slice, reflect.Map:
		if omitted && a.Len() == 0 && b.Len() == 0 {
			return true
		}
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return false
		}
		if a.Kind() == reflect.Map {
			return samePairs(a, b)
		}
		fallthrough
	case reflect.Array:
		for i := range a.Len() {
			if !sameValue(a.Index(i), b.Index(i), false) {
				return false
			}
		}
		return true
	case reflect.Float32, reflect.Float64:
		x, y := a.Float(), b.Float()
		return x == y || x != x && y != y
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return a.IsNil() && b.IsNil()
	}
	return a.Equal(b)
}

func samePairs(a, b reflect.Value) bool {
	for it := a.MapRange(); it.Next(); {
		other := b.MapIndex(it.Key())
		if !other.IsValid() || !sameValue(it.Value(), other, false) {
			return false
		}
	}
	return true
}

func sameFields(a, b reflect.Value) bool {
	for i := range a.NumField() {
		f := a.Type().Field(i)
		tag := f.Tag.Get("cbor")
		if tag == "" {
			tag = f.Tag.Get("json")
		}
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		_, options, _ := strings.Cut(tag, ",")
		if !sameValue(a.Field(i), b.Field(i), strings.Contains(options, "omit")) {
			return false
		}
	}
	return true
}

// sameKnown compares values of types with state of their own.
func sameKnown(a, b reflect.Value) (same, known bool) {
	if a.Kind() == reflect.Interface || !a.CanInterface() {
		return false, false
	}
	switch x := a.Interface().(type) {
	case time.Time:
		y := b.Interface().(time.Time)
		_, xOffset := x.Zone()
		_, yOffset := y.Zone()
		return x.Equal(y) && xOffset == yOffset, true
	case big.Int:
		y := b.Interface().(big.Int)
		return x.Cmp(&y) == 0, true
	case netip.Addr:
		return x == b.Interface().(netip.Addr), true
	case url.URL:
		y := b.Interface().(url.URL)
		return x.String() == y.String(), true
	case valBinary:
		return x == b.Interface().(valBinary), true
	case valRounded:
		return x.Equal(b.Interface().(valRounded)), true
	}
	return false, false
}
