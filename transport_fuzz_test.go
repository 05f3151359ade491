package session

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// fuzzedToken is a token that seeds have in them, and another one.
var fuzzedToken, otherToken = strings.Repeat("A", tokenLen), strings.Repeat("B", tokenLen-1) + "A"

// FuzzToken: what comes out of a request is a well-formed token that the request has in it as a whole,
// or nothing: whatever the fields look like, the order of the lines does not matter, saying a
// token once more changes nothing, and as soon as there is another one there is none.
func FuzzToken(f *testing.F) {
	token := fuzzedToken
	for _, seed := range []string{
		"sid=" + token, "sid=" + token + "; sid=" + token, "sid=" + token + "; sid=" + otherToken, `sid="` + token + `"`, "sid=" + token + `; sid="`,
		"a=b;sid=" + token + ";;", "sid =" + token, "sid =", "sid\t=" + otherToken, " sid=" + token + "\t", "SID=" + token, "sid=" + token + "=", "sid=" + token[1:], "sid", "sid=", ";;=;", "\x00=\xff",
		"Bearer " + token, "bearer " + token, "Bearer  " + token, "Bearer " + token + " ", "Basic " + token, token, token + "," + token, `x="; sid=` + token + `;"`,
	} {
		f.Add(seed, "")
		f.Add(seed, "sid="+token)
		f.Add("", seed)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		for field, transport := range map[string]Transport{"Cookie": Cookie(http.Cookie{}), DefaultHeader: Header(""), "Authorization": Bearer()} {
			got := tokenIn(t, transport, field, first, second)
			if back := tokenIn(t, transport, field, second, first); back != got {
				t.Errorf("%s: %q, and in the other order %q", field, got, back)
			}
			said := map[string]string{"Cookie": "sid=", DefaultHeader: "", "Authorization": "Bearer "}[field]
			if got != "" {
				if again := tokenIn(t, transport, field, first, second, said+got); again != got {
					t.Errorf("%s: said once more, %q becomes %q", field, got, again)
				}
			}
			for _, planted := range []string{fuzzedToken, otherToken} {
				with := tokenIn(t, transport, field, first, second, said+planted)
				if got != "" && got != planted && with != "" || with != "" && with != planted {
					t.Errorf("%s: with another token beside it, %q becomes %q", field, got, with)
				}
			}
			if field == "Cookie" && got != "" {
				sameForOthers(t, got, first, second)
			}
		}
	})
}

// tokenIn returns the token of a request with these lines of a field, "" for none.
func tokenIn(t *testing.T, transport Transport, field string, lines ...string) string {
	t.Helper()
	r := &http.Request{Header: http.Header{field: slices.Clone(lines)}}
	got, ok := transport.Token(r)
	if ok != (got != "") {
		t.Errorf("%s: %q and %v", field, got, ok)
	}
	if ok && (!wellFormed(got) || !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, got) })) {
		t.Errorf("%s: %q from %q", field, got, lines)
	}
	if !slices.Equal(r.Header[field], lines) {
		t.Errorf("%s: the request was changed to %q", field, r.Header[field])
	}
	return got
}

// sameForOthers fails unless whoever reads the request's cookies with net/http sees that token too,
// or none: else a proxy or handler could take another one for the session's.
func sameForOthers(t *testing.T, token string, lines ...string) {
	t.Helper()
	r := &http.Request{Header: http.Header{"Cookie": lines}}
	for _, c := range r.CookiesNamed(DefaultCookieName) {
		if c.Value != token {
			t.Errorf("net/http sees %q, we %q", c.Value, token)
		}
	}
}

// FuzzRequest: whatever a client sends as its token, the one session there is is served only for its
// own; nothing is stored, no token sent, and none of what was sent comes back.
func FuzzRequest(f *testing.F) {
	for _, line := range []string{"sid=" + fuzzedToken, "sid=" + otherToken, `sid="` + fuzzedToken + `"`, "sid=" + fuzzedToken + "; sid=x", "sid=" + strings.Repeat("x", 4096), "sid=../../etc", ""} {
		f.Add(line, "", uint8(0))
	}
	f.Add("Bearer "+fuzzedToken, "Bearer "+otherToken, uint8(2))
	f.Add(fuzzedToken, fuzzedToken, uint8(1))
	f.Fuzz(func(t *testing.T, first, second string, way uint8) {
		field := []string{"Cookie", DefaultHeader, "Authorization"}[way%3]
		transport := []Transport{Cookie(http.Cookie{}), Header(""), Bearer()}[way%3]
		r, _ := http.NewRequest("GET", "/", nil)
		r.Header[field] = []string{first, second}
		token, _ := transport.Token(r)
		h, served := answerFuzzed(t, transport, r)
		if want := token == fuzzedToken; served != want {
			t.Errorf("%q: the session was served: %v, want %v", r.Header[field], served, want)
		}
		for name, lines := range h {
			for _, line := range lines {
				if name == "Set-Cookie" || name == DefaultHeader || token != "" && strings.Contains(line, token) {
					t.Errorf("%q is answered with %s: %s", r.Header[field], name, line)
				}
			}
		}
	})
}

// answerFuzzed has a Manager answer a request to a store that has the session of fuzzedToken, and
// tells whether the handler got that.
func answerFuzzed(t *testing.T, transport Transport, r *http.Request) (h http.Header, served bool) {
	t.Helper()
	store := NewMemoryStore(&MemoryOptions{ReapInterval: -1})
	defer store.Close()
	create(t, store, TokenID(fuzzedToken))
	m, err := New(store, &Options{Transport: transport, Fingerprint: FingerprintNone, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := From(r)
		_, served = Key[int]("n").Get(s)
		if served != (s.ID() == TokenID(fuzzedToken)) || served == s.IsNew() {
			t.Errorf("served %v, ID %s, new %v", served, s.ID().Short(), s.IsNew())
		}
	})).ServeHTTP(w, r)
	if n, err := store.Length(t.Context()); n != 1 || err != nil || w.Code != http.StatusOK {
		t.Errorf("%d sessions are stored afterwards, %v; status %d", n, err, w.Code)
	}
	return w.Header(), served
}
