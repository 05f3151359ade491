package session

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestProtectCaching(t *testing.T) {
	tests := []struct {
		name string
		in   http.Header
		vary string
		want http.Header
	}{
		{"nothing said", http.Header{}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"no-store"}}},
		{"no directive", http.Header{"Cache-Control": {" ,"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"no-store"}}},
		{"no value", http.Header{"Cache-Control": nil}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"no-store"}}},
		{"public", http.Header{"Cache-Control": {"public, max-age=60"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"max-age=60, private"}}},
		{"only public", http.Header{"Cache-Control": {"PUBLIC"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"private"}}},
		{"shared age", http.Header{"Cache-Control": {`S-MaxAge=9, max-age=1,s-maxage="600", S-MAXAGE = 3`}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"max-age=1, private"}}},
		{"several lines", http.Header{"Cache-Control": {"public", "max-age=60", "must-revalidate"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"max-age=60, must-revalidate, private"}}},
		{"private already", http.Header{"Cache-Control": {"Private, max-age=60"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"Private, max-age=60"}}},
		{"private for a field", http.Header{"Cache-Control": {`private="Set-Cookie, X", max-age=60`}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"max-age=60, private"}}},
		{"no-store", http.Header{"Cache-Control": {"No-Store"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"No-Store"}}},
		{"no-store and public", http.Header{"Cache-Control": {"public, no-store"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"no-store"}}},
		{"quoted commas", http.Header{"Cache-Control": {`ext="a, public, \", s-maxage=1", public`}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {`ext="a, public, \", s-maxage=1", private`}}},
		{"open quote", http.Header{"Cache-Control": {`max-age=1, ext="a, public`}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"no-store"}}},
		{"other spelling of the name", http.Header{"cache-control": {"public"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "cache-control": {"private"}}},
		{"for a CDN", http.Header{"Cdn-Cache-Control": {"max-age=60"}, "Surrogate-Control": {"max-age=60"}}, "Cookie",
			http.Header{"Vary": {"Cookie"}, "Cache-Control": {"no-store"}, "Cdn-Cache-Control": {"max-age=60, private"}, "Surrogate-Control": {"no-store"}}},
		{"vary on more", http.Header{"Vary": {"Accept-Encoding"}, "Cache-Control": {"private"}}, "X-Auth-Token",
			http.Header{"Vary": {"Accept-Encoding", "X-Auth-Token"}, "Cache-Control": {"private"}}},
		{"vary already", http.Header{"Vary": {"Accept, cookie"}, "Cache-Control": {"private"}}, "Cookie",
			http.Header{"Vary": {"Accept, cookie"}, "Cache-Control": {"private"}}},
		{"vary on all", http.Header{"Vary": {"Accept", "*"}, "Cache-Control": {"private"}}, "Cookie",
			http.Header{"Vary": {"Accept", "*"}, "Cache-Control": {"private"}}},
		{"vary on two", http.Header{"Vary": {"Cookie"}, "Cache-Control": {"private"}}, "Cookie, Authorization",
			http.Header{"Vary": {"Cookie", "Authorization"}, "Cache-Control": {"private"}}},
		{"vary on nothing", http.Header{"Cache-Control": {"private"}}, "", http.Header{"Cache-Control": {"private"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for range 2 { // the second time changes nothing
				protectCaching(test.in, test.vary)
				if !maps.EqualFunc(test.in, test.want, slices.Equal) {
					t.Fatalf("got  %q\nwant %q", test.in, test.want)
				}
			}
		})
	}
}

// FuzzPrivately: whatever a handler says, a cache sees private or no-store, and nothing that
// permits sharing.
func FuzzPrivately(f *testing.F) {
	for _, seed := range []string{"", "public", `a="b,c", s-maxage=1`, `private="x"`, `"\`, "no-store=1", `a"b"c,public`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := privately(value)
		directives, ok := splitDirectives(got)
		if !ok {
			t.Fatalf("%q became %q, which cannot be split", value, got)
		}
		if !slices.ContainsFunc(directives, func(d string) bool {
			return strings.EqualFold(d, "private") || strings.EqualFold(d, "no-store")
		}) {
			t.Errorf("%q became %q, which is not private", value, got)
		}
		for _, d := range directives {
			name, _, _ := strings.Cut(d, "=")
			if name = strings.Trim(name, " \t"); strings.EqualFold(name, "public") || strings.EqualFold(name, "s-maxage") {
				t.Errorf("%q became %q, which permits sharing", value, got)
			}
		}
		if again := privately(got); again != got {
			t.Errorf("%q became %q, and that %q", value, got, again)
		}
	})
}
