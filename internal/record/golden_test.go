package record_test

import (
	"bytes"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session/internal/record"
)

// golden reads a vector: hex digits, with spaces and # comments between them. What stands there
// is in users' files; it is never to be changed.
func golden(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "record", name))
	if err != nil {
		t.Fatal(err)
	}
	var digits strings.Builder
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	data, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type goldenStruct struct {
	Name  string
	Tags  []string `cbor:"tags,omitempty"`
	Count int      `json:"n"`
	At    time.Time
	Sum   [4]byte
	Any   any
}

// goldenValues are the values of the map vector, by their keys.
func goldenValues() map[string]any {
	return map[string]any{
		"bool": true, "int": -500, "uint": uint64(1) << 63, "half": 1.5, "single": float32(0.1), "double": 0.1,
		"text": "é", "bytes": []byte{1, 2}, "nil": []byte(nil), "list": []string{"a", "b"}, "map": map[string]int{"bb": 1, "c": 2},
		"struct": goldenStruct{
			Name: "x", Count: 2, At: time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("", -3600)), Sum: [4]byte{1, 2, 3, 4},
			Any: []any{nil, int64(1), map[string]any{"k": 2.5}},
		},
	}
}

func TestGoldenMap(t *testing.T) {
	want := golden(t, "v1-map.hex")
	m, err := record.ParseMap(want)
	if err != nil {
		t.Fatal(err)
	}
	encoded := make(map[string][]byte)
	for key, v := range goldenValues() {
		if encoded[key], err = record.Encode(v, 1000); err != nil {
			t.Fatal(err)
		}
		data, _ := m.Find(key)
		got := reflect.New(reflect.TypeOf(v))
		if err := record.Decode(data, got.Interface()); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		again, err := record.Encode(got.Elem().Interface(), 1000)
		if err != nil || !bytes.Equal(again, encoded[key]) {
			t.Errorf("%s: decodes to %v (%v), want %v", key, got.Elem(), err, v)
		}
	}
	if got := record.MapOf(encoded); !bytes.Equal(got, want) {
		t.Errorf("writes\n%x, want\n%x", got, want)
	}
	if !maps.EqualFunc(maps.Collect(m.All()), encoded, bytes.Equal) {
		t.Errorf("reads %x, want the values", m)
	}
}

func TestGoldenMeta(t *testing.T) {
	want := golden(t, "v1-meta.hex")
	if got := record.AppendMeta(nil, someMeta()); !bytes.Equal(got, want) {
		t.Errorf("writes\n%x, want\n%x", got, want)
	}
	if got, err := record.ParseMeta(want); err != nil || !reflect.DeepEqual(got, *someMeta()) {
		t.Errorf("reads %v (%v), want %v", got, err, *someMeta())
	}
}

func TestGoldenSealed(t *testing.T) {
	want := golden(t, "v1-sealed.hex")
	bucket, key, body := []byte("global"), bytes.Repeat([]byte{0xab}, 32), golden(t, "v1-meta.hex")
	if got := record.Seal(nil, bucket, key, body); !bytes.Equal(got, want) {
		t.Errorf("writes\n%x, want\n%x", got, want)
	}
	if got, err := record.Unseal(bucket, key, want); err != nil || !bytes.Equal(got, body) {
		t.Errorf("reads %x (%v), want %x", got, err, body)
	}
}
