//go:build linux

package race

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"time"
)

// maker makes random types, and random values of them: twice the same from the same seed.
type maker struct {
	*rand.Rand
	clean bool // only what has to be accepted, unless it is too large
}

// newMaker returns the maker of one value. Of each type there are many values, as it takes memory
// for ever to make one.
func newMaker(seed uint64, clean bool) maker {
	return maker{rand.New(rand.NewPCG(seed, 15)), clean}
}

// storable are types whose values can all be stored.
var storable = []reflect.Type{
	reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](), reflect.TypeFor[int32](),
	reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](), reflect.TypeFor[uint16](), reflect.TypeFor[uint32](),
	reflect.TypeFor[uint64](), reflect.TypeFor[valID](), reflect.TypeFor[valLevel](), reflect.TypeFor[time.Duration](), // up to here for map keys
	reflect.TypeFor[bool](), reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[[]byte](), reflect.TypeFor[[16]byte](),
	reflect.TypeFor[time.Time](), reflect.TypeFor[any](), reflect.TypeFor[map[string]any](), reflect.TypeFor[[]any](), reflect.TypeFor[big.Int](),
	reflect.TypeFor[netip.Addr](), reflect.TypeFor[url.URL](), reflect.TypeFor[http.Header](), reflect.TypeFor[json.Number](), reflect.TypeFor[json.RawMessage](),
	reflect.TypeFor[valCents](), reflect.TypeFor[valTags](), reflect.TypeFor[valAges](), reflect.TypeFor[valOuter](), reflect.TypeFor[valTagged](),
	reflect.TypeFor[valTree](), reflect.TypeFor[valText](), reflect.TypeFor[valBinary](), reflect.TypeFor[valRounded](),
}

const keyTypes = 14

// doubtful are types some of whose values cannot be stored, or none.
var doubtful = []reflect.Type{
	reflect.TypeFor[func()](), reflect.TypeFor[chan int](), reflect.TypeFor[complex128](), reflect.TypeFor[uintptr](), reflect.TypeFor[error](),
	reflect.TypeFor[valLossy](), reflect.TypeFor[valJSON](), reflect.TypeFor[valOneWay](), reflect.TypeFor[valFailing](), reflect.TypeFor[valOpaque](),
	reflect.TypeFor[valSelf](), reflect.TypeFor[valWide](), reflect.TypeFor[big.Float](), reflect.TypeFor[*big.Int](), reflect.TypeFor[***int](),
	reflect.TypeFor[fmt.Stringer](), reflect.TypeFor[time.Location](), reflect.TypeFor[map[any]any](), reflect.TypeFor[map[float64]int](),
	reflect.TypeFor[map[[2]string]bool](), reflect.TypeFor[map[time.Time]int](), reflect.TypeFor[map[valBase]int](), reflect.TypeFor[*any](),
	reflect.TypeFor[struct{}](), reflect.TypeFor[[0]func()](),
}

// typ returns a random type.
func (m maker) typ(depth int) reflect.Type {
	if depth == 0 || m.IntN(4) == 0 {
		return m.leaf()
	}
	switch m.IntN(6) {
	case 0:
		return reflect.SliceOf(m.typ(depth - 1))
	case 1:
		return reflect.ArrayOf(m.IntN(4), m.typ(depth-1))
	case 2:
		return reflect.MapOf(m.key(), m.typ(depth-1))
	case 3:
		if elem := m.typ(depth - 1); !m.clean || elem.Kind() != reflect.Pointer {
			return reflect.PointerTo(elem)
		}
	}
	return m.structure(depth)
}

func (m maker) leaf() reflect.Type {
	if !m.clean && m.IntN(6) == 0 {
		return doubtful[m.IntN(len(doubtful))]
	}
	return storable[m.IntN(len(storable))]
}

func (m maker) key() reflect.Type {
	if !m.clean && m.IntN(4) == 0 {
		for {
			if t := m.typ(1); t.Comparable() {
				return t
			}
		}
	}
	return storable[m.IntN(keyTypes)]
}

// structure returns a struct type with random tags.
func (m maker) structure(depth int) reflect.Type {
	tags := []string{"", "", `json:"name%d"`, `cbor:"name%d"`, `json:"%d,omitempty"`, `cbor:",omitempty"`, `cbor:"%d,keyasint"`, `json:",omitzero"`, `json:"-"`}
	fields := make([]reflect.StructField, m.IntN(6))
	stored := len(fields) == 0
	for i := range fields {
		tag := tags[m.IntN(len(tags))]
		if strings.Contains(tag, "%") {
			tag = fmt.Sprintf(tag, i)
		}
		stored = stored || tag != `json:"-"`
		fields[i] = reflect.StructField{Name: fmt.Sprint("F", i), Type: m.typ(depth - 1), Tag: reflect.StructTag(tag)}
	}
	if !stored {
		fields[0].Tag = ""
	}
	return reflect.StructOf(fields)
}
