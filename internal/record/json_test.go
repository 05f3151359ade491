package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestToJSON(t *testing.T) {
	tests := []struct{ name, cbor, want string }{
		{"integer", "1864", `100`},
		{"negative integer", "3863", `-100`},
		{"greatest exact integer", "1b001fffffffffffff", `9007199254740991`},
		{"integer that a float would round", "1b0020000000000000", `{"$int":"9007199254740992"}`},
		{"least integer of 64 bits", "3bffffffffffffffff", `{"$int":"-18446744073709551616"}`},
		{"big integer", "c249010000000000000000", `{"$int":"18446744073709551616"}`},
		{"negative big integer", "c349010000000000000000", `{"$int":"-18446744073709551617"}`},
		{"big integer that is not", "c24101", `{"$cbor":"c24101"}`},
		{"bytes", "4201ff", `{"$bytes":"Af8="}`},
		{"text", "63613c62", `"a<b"`},
		{"text that is not UTF-8", "61ff", `{"$cbor":"61ff"}`},
		{"float", "f93e00", `1.5`},
		{"float without a fraction", "f93c00", `{"$float":"1"}`},
		{"minus zero", "f98000", `{"$float":"-0"}`},
		{"large float", "fb7e37e43c8800759c", `{"$float":"1e+300"}`},
		{"float that is longer than need be", "fa3fc00000", `{"$cbor":"fa3fc00000"}`},
		{"NaN", "f97e00", `{"$float":"NaN"}`},
		{"another NaN", "f97e01", `{"$cbor":"f97e01"}`},
		{"infinities", "82f97c00f9fc00", `[{"$float":"+Inf"},{"$float":"-Inf"}]`},
		{"simple values", "84f4f5f6f7", `[false,true,null,{"$cbor":"f7"}]`},
		{"time", "c074323032362d30352d30345430333a30323a30315a", `{"$time":"2026-05-04T03:02:01Z"}`},
		{"time that is none", "c0616e", `{"$cbor":"c0616e"}`},
		{"unregistered tag", "d9ff0105", `{"$cbor":"d9ff0105"}`},
		{"object", "a2616101626161f6", `{"a":1,"aa":null}`},
		{"object in another order", "a262616101616102", `{"$map":[["aa",1],["a",2]]}`},
		{"the same key twice", "a2616101616102", `{"$map":[["a",1],["a",2]]}`},
		{"keys that are numbers", "a2016161026162", `{"$map":[[1,"a"],[2,"b"]]}`},
		{"a key with a dollar", "a165246279746501", `{"$map":[["$byte",1]]}`},
		{"empty", "82a080", `[{},[]]`},
		{"head that is longer than need be", "821801f5", `[{"$cbor":"1801"},true]`},
		{"indefinite length", "9f01ff", `{"$cbor":"9f01ff"}`},
		{"cut off", "8201", `{"$cbor":"8201"}`},
		{"nothing", "", `{"$cbor":""}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, err := hex.DecodeString(tt.cbor)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(ToJSON(data)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			checkJSON(t, data)
		})
	}
}

// checkJSON checks that a well-formed item comes back from its JSON, also from one that another
// program read and wrote, and that no other does.
func checkJSON(t *testing.T, data []byte) {
	t.Helper()
	text := ToJSON(data)
	if rest, ok := skip(data, 0); !ok || len(rest) > 0 {
		if back, err := FromJSON(text); err == nil {
			t.Errorf("%x is malformed and comes back from %s as %x", data, text, back)
		}
		return
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%x becomes %s: %v", data, text, err)
	}
	again, err := json.MarshalIndent(v, "", "\t") // which sorts the keys
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{text, again} {
		if back, err := FromJSON(text); err != nil || !bytes.Equal(back, data) {
			t.Fatalf("%x comes back from %s as %x, %v", data, text, back, err)
		}
	}
}

// FuzzJSON: every item comes back from its JSON byte for byte.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{"a165246279746501", "d9ff0105", "821801f5", "c249010000000000000000", "fb7e37e43c8800759c"} {
		data, _ := hex.DecodeString(seed)
		f.Add(data)
	}
	f.Fuzz(checkJSON)
}

// FuzzFromJSON: what is taken is well-formed, and its own JSON means the same.
func FuzzFromJSON(f *testing.F) {
	f.Add(`{"$map":[[1,{"a":[1.5,{"$time":"2026-05-04T03:02:01Z"}]}]]}`)
	f.Add(`{"b":{"$float":"1"},"a":{"$int":"-99999999999999999999"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if data, err := FromJSON([]byte(text)); err == nil {
			checkJSON(t, data)
			if rest, ok := skip(data, 0); !ok || len(rest) > 0 {
				t.Errorf("%s gives %x, which is malformed", text, data)
			}
		}
	})
}

// TestJSONRandom does what FuzzJSON does with items that are mostly well-formed.
func TestJSONRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	well := 0
	for range 20_000 {
		data := randomItem(r, 0)
		if rest, ok := skip(data, 0); ok && len(rest) == 0 {
			well++
		}
		checkJSON(t, data)
	}
	if well < 15_000 {
		t.Errorf("only %d items were well-formed: what does this test?", well)
	}
}

// randomItem returns an item with heads of any length.
func randomItem(r *rand.Rand, depth int) []byte {
	major := byte(r.IntN(8))
	if depth > 4 && (major == majorArray || major == majorMap || major == majorTag) {
		major = majorUint
	}
	arg := r.Uint64() >> r.UintN(64)
	n := uint64(r.IntN(4))
	switch major {
	case majorUint, majorNegative:
		return randomHead(r, major, arg)
	case majorBytes:
		return append(randomHead(r, major, n), make([]byte, n)...)
	case majorText:
		return append(randomHead(r, major, n), []string{"$ab", "aé", "b\x00\x1f"}[r.IntN(3)][:n]...)
	case majorArray, majorMap:
		out := randomHead(r, major, n)
		for range n * uint64(major-majorArray+1) {
			out = append(out, randomItem(r, depth+1)...)
		}
		return out
	case majorTag:
		return append(randomHead(r, major, uint64(r.IntN(5))), randomItem(r, depth+1)...)
	}
	return [][]byte{{simpleTrue}, {simpleNull}, {0xf7}, {0xf8, 0x20}, float(r.NormFloat64()).appendSimple(nil),
		float(float64(r.IntN(9))).appendSimple(nil), {float16Head, byte(arg), byte(n)}}[r.IntN(7)]
}

// randomHead returns the shortest head, and now and then a longer one.
func randomHead(r *rand.Rand, major byte, arg uint64) []byte {
	if r.IntN(20) == 0 && arg <= 0xff {
		return []byte{major<<5 | 24, byte(arg)}
	}
	return appendHead(nil, major, arg)
}

func TestFromJSONWrittenByHand(t *testing.T) {
	tests := []struct{ text, want string }{
		{`1.0`, "f93c00"},
		{` { "b" : 2, "a" : 1e0 } `, "a26161f93c00616202"},
		{`-0`, "00"},
		{`{"$int":"7"}`, "07"},
		{`"\ud83c\udf75"`, "64f09f8db5"},
	}
	for _, tt := range tests {
		got, err := FromJSON([]byte(tt.text))
		if err != nil || hex.EncodeToString(got) != tt.want {
			t.Errorf("%s gives %x, %v, want %s", tt.text, got, err, tt.want)
		}
	}
}

func TestFromJSONRefuses(t *testing.T) {
	tests := []struct{ text, why string }{
		{``, "not JSON"},
		{`{"a":1`, "not JSON"},
		{`[1 2]`, "not JSON"},
		{`1 2`, "more than one value"},
		{`{"a":1,"a":2}`, "twice"},
		{`{"$bytes":"AQ==","a":1}`, "beside others"},
		{`{"$what":"x"}`, `no form "$what"`},
		{`{"$bytes":"?"}`, "$bytes"},
		{`{"$bytes":1}`, "$bytes"},
		{`{"$time":"noon"}`, "$time"},
		{`{"$int":"1.5"}`, "$int"},
		{`{"$int":"` + strings.Repeat("9", 5000) + `"}`, "$int"},
		{`{"$float":"0x1p3"}`, "$float"},
		{`1e999`, "$float"},
		{`{"$map":{"a":1}}`, "$map"},
		{`{"$map":[["a"]]}`, "$map"},
		{`{"$map":[1]}`, "$map"},
		{`{"$cbor":"01 02"}`, "$cbor"},
		{`{"$cbor":"0102"}`, "$cbor"},
		{`{"$cbor":"82"}`, "$cbor"},
		{"\"\xff\"", "UTF-8"},
		{strings.Repeat("[", 17) + strings.Repeat("]", 17), "limits"},
		{strings.Repeat("[", 1000), "deep"},
	}
	for _, tt := range tests {
		got, err := FromJSON([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%.40s gives %x, %v, want an error with %q", tt.text, got, err, tt.why)
		}
	}
}
