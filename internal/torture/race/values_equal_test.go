//go:build linux

package race

import (
	"math"
	"reflect"
	"testing"
	"time"
)

func TestSameValue(t *testing.T) {
	now := time.Now()
	n, other := int64(1), int64(2)
	for name, test := range map[string]struct {
		a, b any
		want bool
	}{
		"ints":                    {1, 1, true},
		"other ints":              {1, 2, false},
		"NaN":                     {math.NaN(), math.NaN(), true},
		"times":                   {now, now.Round(0), true},
		"zones":                   {now.UTC(), now.In(time.FixedZone("", 3600)), false},
		"nil and empty":           {[]int(nil), []int{}, false},
		"left out":                {valTagged{C: []int{}}, valTagged{}, true},
		"not stored":              {valTagged{D: 1, g: 2}, valTagged{}, true},
		"promoted":                {valOuter{valBase: valBase{X: 1}}, valOuter{}, false},
		"pointers":                {valOuter{ValInner: &ValInner{When: &n}}, valOuter{ValInner: &ValInner{When: &other}}, false},
		"interfaces":              {valOuter{Z: now}, valOuter{Z: now.Round(0)}, true},
		"types in interfaces":     {valOuter{Z: int64(1)}, valOuter{Z: 1.0}, false},
		"a time and text":         {valOuter{Z: now}, valOuter{Z: "now"}, false},
		"keys":                    {map[string]int{"a": 0}, map[string]int{"b": 0}, false},
		"maps":                    {map[string][]int{"a": {1}}, map[string][]int{"a": {1}}, true},
		"state of its own":        {valBinary{1}, valBinary{2}, false},
		"equal by its own method": {valRounded{1.2}, valRounded{1.7}, true},
		"functions":               {struct{ F func() }{func() {}}, struct{ F func() }{}, false},
	} {
		if got := sameValue(reflect.ValueOf(test.a), reflect.ValueOf(test.b), false); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestMakerIsRepeatable: the values that come back are compared with ones made anew.
func TestMakerIsRepeatable(t *testing.T) {
	src := valueSource{seed: 1}
	for i := range 20_000 {
		a, clean := src.value(i)
		if b, _ := src.value(i); clean && !sameValue(a, b, false) {
			t.Fatalf("value %d is %#v, and then %#v", i, a, b)
		}
	}
}
