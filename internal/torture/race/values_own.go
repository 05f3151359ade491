//go:build linux

package race

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Types as apps have them, and as they had better not.

type (
	valID    string
	valLevel uint8
	valCents int64
	valTags  []string
	valAges  map[string]uint16
)

// valBase is embedded in others.
type valBase struct {
	X int
	Y string `json:"y,omitempty"`
}

// ValInner is embedded by a pointer, which takes an exported name.
type ValInner struct {
	Deep map[string][]float64
	When *int64
}

// valOuter has promoted fields.
type valOuter struct {
	valBase
	*ValInner
	Z any
}

// valTagged has fields that are stored under other names, or not at all.
type valTagged struct {
	A int            `json:"a"`
	B string         `cbor:"b" json:"x"`
	C []int          `json:",omitempty"`
	D int            `json:"-"`
	E map[string]any `cbor:"5,keyasint,omitempty"`
	F *valBase       `json:"f,omitzero"`
	g int
}

// valTree refers to itself, in every way that does not need a cycle.
type valTree struct {
	Name        valID
	Left, Right *valTree
	Kids        []valTree
	Named       map[string]*valTree
}

// valText has a marshaler that the encoding does not use.
type valText struct{ S string }

func (v valText) MarshalText() ([]byte, error)  { return []byte("text of " + v.S), nil }
func (v *valText) UnmarshalText(b []byte) error { v.S = string(b); return nil }

// valJSON has another one, and state that only that would keep.
type valJSON struct {
	A      int
	hidden int
}

func (v valJSON) MarshalJSON() ([]byte, error)  { return fmt.Appendf(nil, "%d", v.A+v.hidden), nil }
func (v *valJSON) UnmarshalJSON(b []byte) error { _, err := fmt.Sscan(string(b), &v.A); return err }

// valBinary keeps its state in an unexported field, and has the marshaler for that.
type valBinary struct{ n uint32 }

func (v valBinary) MarshalBinary() ([]byte, error) {
	return binary.BigEndian.AppendUint32(nil, v.n), nil
}

func (v *valBinary) UnmarshalBinary(b []byte) error {
	if len(b) != 4 {
		return errors.New("not four bytes")
	}
	v.n = binary.BigEndian.Uint32(b)
	return nil
}

// valLossy forgets one of its fields.
type valLossy struct{ A, B uint8 }

func (v valLossy) MarshalBinary() ([]byte, error)  { return []byte{v.A}, nil }
func (v *valLossy) UnmarshalBinary(b []byte) error { v.A, v.B = b[0], 0; return nil }

// valRounded says itself what is equal.
type valRounded struct{ F float64 }

func (v valRounded) Equal(other valRounded) bool {
	return math.Floor(v.F) == math.Floor(other.F) || math.IsNaN(v.F) && math.IsNaN(other.F)
}

func (v valRounded) MarshalBinary() ([]byte, error) {
	return binary.BigEndian.AppendUint64(nil, math.Float64bits(math.Floor(v.F))), nil
}

func (v *valRounded) UnmarshalBinary(b []byte) error {
	v.F = math.Float64frombits(binary.BigEndian.Uint64(b))
	return nil
}

// valOneWay can be written and not read.
type valOneWay struct{ n int }

func (v valOneWay) MarshalBinary() ([]byte, error) { return []byte{byte(v.n)}, nil }

// valFailing has a marshaler that fails.
type valFailing struct{ N int }

func (valFailing) MarshalBinary() ([]byte, error) { return nil, errors.New("on purpose") }
func (*valFailing) UnmarshalBinary([]byte) error  { return errors.New("on purpose") }

// valOpaque has nothing that could be stored.
type valOpaque struct{ a, b int }

// valSelf can only point to itself.
type valSelf *valSelf

// valWide fans out to more than anybody can walk through.
type valWide struct{ A, B, C, D, E, F, G, H *valWide }
