package main

import (
	"math"
	"math/big"
	"net/netip"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// stored returns v as inspect shows it to programs and to people.
func stored(t *testing.T, v any) (forPrograms, forPeople string) {
	t.Helper()
	s := session.NewSession(session.NewMemoryStore(nil), session.ID{1}, session.Meta{})
	if err := s.Set("k", v); err != nil {
		t.Fatal(err)
	}
	data := s.Changes().Components[""].Set["k"]
	forPrograms, err1 := marshalLine(values{}.decode(data))
	forPeople, err2 := marshalLine(values{marked: true}.decode(data))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return forPrograms, forPeople
}

func TestValues(t *testing.T) {
	type point struct{ X, Y int }
	type keyed struct {
		X int    `cbor:"1,keyasint"`
		Y string `cbor:"2,keyasint"`
	}
	type row struct {
		_ struct{} `cbor:",toarray"`
		A int
		B string
	}
	tests := []struct {
		name string
		v    any
		want string
	}{
		{"int", 4, `4`},
		{"largest int64", int64(math.MaxInt64), `9223372036854775807`},
		{"largest uint64", uint64(math.MaxUint64), `18446744073709551615`},
		{"big integer", new(big.Int).Lsh(big.NewInt(1), 70), `1180591620717411303424`},
		{"big integers in a slice", []*big.Int{new(big.Int).Lsh(big.NewInt(1), 70)}, `[1180591620717411303424]`},
		{"float", 1.5, `1.5`},
		{"NaN", math.NaN(), `"NaN"`},
		{"infinities", []float64{math.Inf(1), math.Inf(-1)}, `["+Inf","-Inf"]`},
		{"bool", true, `true`},
		{"text", "a <b> \x1b[2J", `"a <b> \u001b[2J"`},
		{"time", time.Date(2026, 5, 4, 3, 2, 1, 0, time.FixedZone("", 3600)), `"2026-05-04T03:02:01+01:00"`},
		{"nil in a slice", []any{nil, "x"}, `[null,"x"]`},
		{"struct", point{1, 2}, `{"X":1,"Y":2}`},
		{"nested", map[string][]point{"a": {{1, 2}}}, `{"a":[{"X":1,"Y":2}]}`},
		{"map with integer keys", map[int]string{1: "a", -2: "b"}, `{"-2":"b","1":"a"}`},
		{"map with integer keys below", []map[int]uint64{{7: math.MaxUint64}}, `[{"7":18446744073709551615}]`},
		{"map with boolean keys", map[bool]int{true: 1}, `{"true":1}`},
		{"struct with integer keys", keyed{1, "a"}, `{"1":1,"2":"a"}`},
		{"struct as an array", row{A: 1, B: "a"}, `[1,"a"]`},
		{"empty map", map[string]int{}, `{}`},
		{"empty slice", []string{}, `[]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, people := stored(t, tt.v)
			if got != tt.want || people != tt.want {
				t.Errorf("%v is shown as %s, and to people as %s, want %s", tt.v, got, people, tt.want)
			}
		})
	}
}

func TestValuesBytes(t *testing.T) {
	got, people := stored(t, []byte("\x01\xff"))
	if want := `"Af8="`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if want := `"base64:Af8="`; people != want {
		t.Errorf("for people: got %s, want %s", people, want)
	}
	got, people = stored(t, netip.MustParseAddr("192.0.2.1"))
	if got != `"wAACAQ=="` || people != `"base64:wAACAQ=="` {
		t.Errorf("a type with a binary form: %s, %s", got, people)
	}
}

// tagged is stored under a tag of CBOR that nobody registered.
type tagged struct{ N int }

func (g tagged) MarshalCBOR() ([]byte, error) { return []byte{0xd9, 0xff, 0x01, byte(g.N)}, nil }

func (g *tagged) UnmarshalCBOR(data []byte) error {
	g.N = int(data[3])
	return nil
}

func TestValuesUndecoded(t *testing.T) {
	got, _ := stored(t, []any{"x"})
	if got != `["x"]` {
		t.Fatalf("got %s", got)
	}
	got, _ = stored(t, map[string]tagged{"a": {5}})
	if want := `{"a":{"$cbor":"d9ff0105","$note":"decodes to cbor.Tag"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
