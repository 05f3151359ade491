package record

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestErrorsTellNoValues(t *testing.T) {
	const secret = "s3cr3t"
	data, err := codec.enc.Marshal(map[string]any{secret: secret, "n": 31337})
	if err != nil {
		t.Fatal(err)
	}
	twice := []byte("\xa2\x66" + secret + "\x01\x66" + secret + "\x01")
	stamp := []byte("\xc0\x66" + secret)
	var errs []error
	for _, dst := range []any{new(map[string]int8), new(map[string]time.Time), new([]string), new(struct{ N int8 }), new(failing)} {
		for _, data := range [][]byte{data, twice, stamp, []byte("\x66" + secret)} {
			errs = append(errs, Decode(data, dst))
		}
	}
	for _, v := range []any{map[string]any{secret: 31337}, map[string]any{secret: secret + "\xff"}, failing{}} {
		_, err := Encode(v, limit)
		errs = append(errs, err)
	}
	refusals := 0
	for _, err := range errs {
		if err == nil {
			continue
		}
		refusals++
		if text := err.Error(); strings.Contains(text, secret) || strings.Contains(text, "31337") {
			t.Errorf("error %q tells a value or a key", text)
		}
	}
	if refusals < 15 {
		t.Errorf("only %d errors were looked at", refusals)
	}
	if _, err := Encode(failing{}, limit); !errors.Is(err, errMarshal) {
		t.Errorf("%v hides the marshaler's own error from errors.Is", err)
	}
}
