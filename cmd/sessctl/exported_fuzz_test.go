package main

import (
	"reflect"
	"testing"
)

// FuzzExported: a line that import takes is written by export as one that means the same, and that
// again as itself.
func FuzzExported(f *testing.F) {
	const start = `{"id":"abababababababababababababababababababababababababababababababab","created":"2026-01-02T03:04:05.000000006Z","last_access":"2026-01-02T03:04:06+01:00","end":"2200-01-01T00:00:00Z",`
	f.Add(start + `"max_age":"4h0m0s","components":{"":{"n":1,"when":{"$time":"2026-01-02T03:04:05Z"}},"cart":{"x":null}}}`)
	f.Add(start + `"user":"é\n\u202e","max_age":"1ns","salt":"c2FsdA==","fingerprint":"","components":{"":{}}}`)
	f.Add(start + `"max_age":"2540400h","components":{"a":{"\u0000":{"$map":[[1,2],[1,{"$cbor":"f7"}]]},"":"","$x":{"$bytes":"AQ=="}}}}`)
	f.Add(start + `"max_age":"1h","components":null}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, line string) {
		s, err := parseExported([]byte(line))
		if err != nil {
			return
		}
		written, err := marshalLine(newExported(s))
		if err != nil {
			t.Fatalf("%q is taken and cannot be written: %v", line, err)
		}
		again, err := parseExported([]byte(written))
		if err != nil {
			t.Fatalf("%q is written as %q, which is not taken: %v", line, written, err)
		}
		for name, values := range s.Values {
			if len(values) == 0 { // a component exists while it has keys
				delete(s.Values, name)
				delete(s.Components, name)
			}
		}
		if len(s.Salt) == 0 {
			s.Salt = nil
		}
		if len(s.Fingerprint) == 0 {
			s.Fingerprint = nil
		}
		if !reflect.DeepEqual(again, s) {
			t.Fatalf("%q is %+v, and written as %q it is %+v", line, s, written, again)
		}
		if twice, err := marshalLine(newExported(again)); err != nil || twice != written {
			t.Errorf("written as %q, then as %q, %v", written, twice, err)
		}
	})
}
