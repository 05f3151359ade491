//go:build linux

package fault

import (
	"fmt"
	"testing"
)

// TestFates: each of these diaries breaks a promise, or does not.
func TestFates(t *testing.T) {
	create := []deed{{Op: "save", ID: 1, Value: 1, User: "ann", Begun: true}, {Op: "save", ID: 1, Value: 1}}
	save := func(err string) []deed {
		return []deed{{Op: "save", ID: 1, Value: 2, User: "ann", Begun: true}, {Op: "save", ID: 1, Value: 2, Err: err}}
	}
	there := func(value int) found { return found{there: true, value: value} }
	for name, tc := range map[string]struct {
		diary  []deed
		file   found
		broken bool
	}{
		"stored":                    {nil, there(1), false},
		"lost":                      {nil, found{}, true},
		"torn":                      {nil, found{there: true, value: 1, torn: true}, true},
		"stored again":              {save(""), there(2), false},
		"lost again":                {save(""), there(1), true},
		"uncertain, stored":         {save("uncertain"), there(2), false},
		"uncertain, not stored":     {save("uncertain"), there(1), false},
		"uncertain, lost":           {save("uncertain"), found{}, true},
		"full":                      {save("full"), there(1), false},
		"full and stored":           {save("full"), there(2), true},
		"untyped":                   {save(untyped), there(1), true},
		"not found":                 {save("notfound"), there(1), true},
		"died":                      {save("")[:1], there(2), false},
		"destroyed":                 {[]deed{{Op: "destroy", ID: 1}}, found{}, false},
		"destroyed and there":       {[]deed{{Op: "destroy", ID: 1}}, there(1), true},
		"ended and saved":           {append([]deed{{Op: "destroy", ID: 1, Err: "full"}}, save("")...), found{}, true},
		"ended and read":            {[]deed{{Op: "user", User: "ann", Err: "failed"}, {Op: "get", ID: 1, Value: 1}}, found{}, true},
		"ended and listed":          {[]deed{{Op: "clear", Err: "failed"}, {Op: "list", IDs: []int{1}}}, found{}, true},
		"other user":                {[]deed{{Op: "user", User: "bob"}, {Op: "get", ID: 1, Value: 1}}, there(1), false},
		"not listed":                {[]deed{{Op: "list"}}, there(1), true},
		"not settled":               {[]deed{{Op: "clear", Err: "failed"}, {Op: "settled", Value: 1}, {Op: "close"}}, there(1), false},
		"settled and there":         {[]deed{{Op: "clear", Err: "failed"}, {Op: "settled"}, {Op: "close"}}, there(1), true},
		"uncertain renewal, old ID": {[]deed{{Op: "renew", ID: 1, To: 2, Value: 2, Err: "uncertain"}}, there(1), false},
		"uncertain renewal, none":   {[]deed{{Op: "renew", ID: 1, To: 2, Value: 2, Err: "uncertain"}}, found{}, true},
	} {
		var said []string
		f := newFates(func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
		for _, e := range append(create, tc.diary...) {
			f.follow(e)
		}
		f.final(func(id int) (found, error) {
			if id != 1 {
				return found{}, nil
			}
			return tc.file, nil
		})
		if broken := len(said) > 0; broken != tc.broken {
			t.Errorf("%s: %q", name, said)
		}
	}
}
