package session_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
)

// headerTable is what a response says, by transport and by what its handler does. TOKEN stands
// for the token.
const headerTable = `
cookie: nothing
cookie: read | Vary: Cookie | Cache-Control: no-store
cookie: read, no session | Vary: Cookie | Cache-Control: no-store
cookie: read, public | Vary: Cookie | Cache-Control: max-age=60, private
cookie: read, varies | Vary: Accept | Vary: Cookie | Cache-Control: no-store
cookie: set, no session | Vary: Cookie | Cache-Control: no-store | Set-Cookie: sid=TOKEN; Path=/; HttpOnly; SameSite=Lax
cookie: set | Vary: Cookie | Cache-Control: no-store
cookie: set, public | Vary: Cookie | Cache-Control: private | Set-Cookie: sid=TOKEN; Path=/; HttpOnly; SameSite=Lax
cookie: renew | Vary: Cookie | Cache-Control: no-store | Set-Cookie: sid=TOKEN; Path=/; HttpOnly; SameSite=Lax
cookie: destroy | Vary: Cookie | Cache-Control: no-store | Set-Cookie: sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=Lax
cookie: destroy, no session | Vary: Cookie | Cache-Control: no-store
cookie: regenerate | Vary: Cookie | Cache-Control: no-store | Set-Cookie: sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=Lax
cookie: error, no session | 503 | Vary: Cookie | Cache-Control: no-store
cookie: error | 503 | Vary: Cookie | Cache-Control: no-store
cookie: renew, error | 503 | Vary: Cookie | Cache-Control: no-store | Set-Cookie: sid=TOKEN; Path=/; HttpOnly; SameSite=Lax
lasting, TLS: set, no session | Vary: Cookie | Cache-Control: no-store | Set-Cookie: __Host-id=TOKEN; Path=/; Expires=Mon, 31 Jan 2000 00:00:00 GMT; Max-Age=2592000; HttpOnly; Secure; SameSite=Strict
lasting, TLS: renew | Vary: Cookie | Cache-Control: no-store | Set-Cookie: __Host-id=TOKEN; Path=/; Expires=Mon, 31 Jan 2000 00:00:00 GMT; Max-Age=2588400; HttpOnly; Secure; SameSite=Strict
lasting, TLS: destroy | Vary: Cookie | Cache-Control: no-store | Set-Cookie: __Host-id=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Strict
scriptable, TLS: set, no session | Vary: Cookie | Cache-Control: no-store | Set-Cookie: sid=TOKEN; Path=/; Secure; SameSite=Lax
header: nothing
header: read | Vary: X-Auth-Token | Cache-Control: no-store
header: read, public | Vary: X-Auth-Token | Cache-Control: max-age=60, private
header: set | Vary: X-Auth-Token | Cache-Control: no-store
header: generate, no session | Vary: X-Auth-Token | Cache-Control: no-store | X-Auth-Token: TOKEN
header: generate | Vary: X-Auth-Token | Cache-Control: no-store | X-Auth-Token: TOKEN
header: destroy | Vary: X-Auth-Token | Cache-Control: no-store
header: error | 503 | Vary: X-Auth-Token | Cache-Control: no-store
header: generate, error, no session | 503 | Vary: X-Auth-Token | Cache-Control: no-store
header: generate, error | 503 | Vary: X-Auth-Token | Cache-Control: no-store | X-Auth-Token: TOKEN
bearer: generate, no session | Vary: Authorization | Cache-Control: no-store
bearer: generate, error, no session | 503 | Vary: Authorization | Cache-Control: no-store
`

// Rule 8, and the cookie's attributes.
func TestRequestRule8(t *testing.T) {
	lasting := session.Cookie(http.Cookie{Name: "__Host-id", Secure: true, SameSite: http.SameSiteStrictMode, MaxAge: 1})
	transports := map[string]session.Options{
		"cookie":          {},
		"lasting, TLS":    {Transport: lasting},
		"scriptable, TLS": {ScriptableCookie: true},
		"header":          {Transport: session.Header("")},
		"bearer":          {Transport: session.Bearer()},
	}
	var got strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(headerTable, "\n")) {
		name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " | ")
		transport, what, _ := strings.Cut(name, ": ")
		synctest.Test(t, func(t *testing.T) {
			got.WriteString(name + headerOf(t, transports[transport], strings.Contains(transport, "TLS"), what) + "\n")
		})
	}
	if want := strings.TrimPrefix(headerTable, "\n"); got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

// headerOf returns what matters of the response of a handler that does what it says.
func headerOf(t *testing.T, opts session.Options, secure bool, what string) string {
	store := watch(session.NewMemoryStore(nil))
	s := newSite(t, store, opts)
	r := s.visitor().request()
	if secure {
		r.TLS = new(tls.ConnectionState)
	}
	if what != "set, public" && !strings.Contains(what, "no session") {
		token := s.generate()
		r.Header = http.Header{"Cookie": {"sid=" + token + "; __Host-id=" + token}, "X-Auth-Token": {token}, "Authorization": {"Bearer " + token}}
		time.Sleep(time.Hour)
	}
	return summary(s.serve(r, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(what, "public"):
			w.Header().Set("Cache-Control", "public, max-age=60, s-maxage=600")
		case strings.Contains(what, "varies"):
			w.Header().Set("Vary", "Accept")
		}
		if what == "set, public" {
			w.Header().Set("Cache-Control", "public")
		}
		for do := range strings.SplitSeq(what, ", ") {
			act(t, s, store, r, do)
		}
	}))
}

func act(t *testing.T, s *site, store *watched, r *http.Request, do string) {
	switch do {
	case "read":
		counter.Get(session.From(r))
	case "set":
		must(t, counter.Set(session.From(r), 2))
	case "renew":
		must(t, session.From(r).Renew(r.Context()))
	case "regenerate":
		must(t, session.From(r).Regenerate(r.Context()))
	case "generate":
		_, err := s.m.Generate(r)
		must(t, err)
	case "destroy":
		_, err := session.From(r).Destroy(r.Context())
		must(t, err)
	case "error":
		store.fail("save", -1, errors.New("broken"))
		must(t, counter.Set(session.From(r), 3))
	}
}

var aToken = regexp.MustCompile("[A-Za-z0-9_-]{43}")

// summary writes a response's status and header fields in one line.
func summary(res *http.Response) string {
	var b strings.Builder
	if res.StatusCode != 200 {
		fmt.Fprint(&b, " | ", res.StatusCode)
	}
	for _, name := range []string{"Vary", "Cache-Control", "Set-Cookie", "X-Auth-Token"} {
		for _, v := range res.Header[name] {
			fmt.Fprintf(&b, " | %s: %s", name, aToken.ReplaceAllString(v, "TOKEN"))
		}
	}
	return b.String()
}

// A session that only middleware around it, or a helper with the context, looks at counts too.
func TestRequestRule8FromContext(t *testing.T) {
	s := newSite(t, nil, session.Options{})
	res := s.serve(s.visitor().request(), func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := session.FromContext(r.Context()); !ok {
			t.Error("no session")
		}
	})
	if res.Header.Get("Vary") != "Cookie" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("header %v", res.Header)
	}
}
