package session

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCookieAttributes(t *testing.T) {
	trusted := proxies{netip.MustParsePrefix("192.0.2.0/24")} // httptest's peer
	plain, proxied, direct := requestWith(), requestWith("X-Forwarded-Proto", "https"), requestWith()
	direct.TLS = &tls.ConnectionState{}
	type options struct {
		trusted    proxies
		scriptable bool
	}
	tests := []struct {
		name     string
		template http.Cookie
		options  options
		request  *http.Request
		want     string // after the token
	}{
		{"defaults", http.Cookie{}, options{}, plain, "; Path=/; HttpOnly; SameSite=Lax"},
		{"TLS", http.Cookie{}, options{}, direct, "; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"trusted proxy", http.Cookie{}, options{trusted: trusted}, proxied, "; Path=/; HttpOnly; Secure; SameSite=Lax"},
		{"trusted proxy without TLS", http.Cookie{}, options{trusted: trusted}, plain, "; Path=/; HttpOnly; SameSite=Lax"},
		{"untrusted proxy", http.Cookie{}, options{}, proxied, "; Path=/; HttpOnly; SameSite=Lax"},
		{"scriptable", http.Cookie{}, options{scriptable: true}, plain, "; Path=/; SameSite=Lax"},
		{"path, domain, mode", http.Cookie{Path: "/app", Domain: "app.example", SameSite: http.SameSiteStrictMode}, options{}, plain,
			"; Path=/app; Domain=app.example; HttpOnly; SameSite=Strict"},
		{"until the lifetime ends", http.Cookie{MaxAge: 1}, options{}, plain,
			"; Path=/; Expires=Mon, 31 Jan 2000 00:00:00 GMT; Max-Age=2592000; HttpOnly; SameSite=Lax"},
		{"partitioned", http.Cookie{Secure: true, Partitioned: true, SameSite: http.SameSiteNoneMode}, options{}, plain,
			"; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"},
		{"browser's mode", http.Cookie{SameSite: http.SameSiteDefaultMode}, options{}, plain, "; Path=/; HttpOnly"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // starts at 2000-01-01
				transport, err := bindTransport(Cookie(test.template), test.options.trusted, test.options.scriptable)
				if err != nil {
					t.Fatal(err)
				}
				h, token := http.Header{}, newToken()
				transport.Send(h, test.request, token, time.Now().Add(DefaultLifetime))
				want := []string{"sid=" + token + test.want}
				if got := h["Set-Cookie"]; !slices.Equal(got, want) {
					t.Errorf("got  %q\nwant %q", got, want)
				}
			})
		})
	}
}

func TestCookieForEndedSessionIsCleared(t *testing.T) {
	transport, h, r := Cookie(http.Cookie{MaxAge: 1}), http.Header{}, requestWith()
	transport.Send(h, r, newToken(), time.Now().Add(-time.Second))
	want := "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=Lax"
	if got := h["Set-Cookie"]; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCookieIsSentOnce(t *testing.T) {
	transport, r := Cookie(http.Cookie{}), requestWith()
	shared := []string{"theme=dark; Path=/", "sid=old; Path=/elsewhere", "sid2=other"}
	h := http.Header{"Set-Cookie": shared}
	one, two := newToken(), newToken()
	transport.Send(h, r, one, time.Time{})
	transport.Send(h, r, two, time.Time{})
	want := []string{"theme=dark; Path=/", "sid2=other", "sid=" + two + "; Path=/; HttpOnly; SameSite=Lax"}
	if got := h["Set-Cookie"]; !slices.Equal(got, want) {
		t.Errorf("after two Sends %q, want %q", got, want)
	}
	transport.Clear(h, r)
	if got := h["Set-Cookie"]; len(got) != 3 || !strings.HasPrefix(got[2], "sid=;") {
		t.Errorf("after Clear %q", got)
	}
	if shared[1] != "sid=old; Path=/elsewhere" {
		t.Error("another header's values were changed")
	}
}

func TestCookieTemplates(t *testing.T) {
	tests := []struct {
		name       string
		template   http.Cookie
		scriptable bool
		option     string // named in the error; empty: accepted
	}{
		{"empty", http.Cookie{}, false, ""},
		{"host prefix", http.Cookie{Name: "__Host-sid", Secure: true}, false, ""},
		{"secure prefix", http.Cookie{Name: "__Secure-sid", Secure: true, Domain: "app.example", Path: "/a"}, false, ""},
		{"http prefix", http.Cookie{Name: "__Host-Http-sid", Secure: true}, false, ""},
		{"MaxAge", http.Cookie{MaxAge: 86400}, false, ""},
		{"host prefix, not secure", http.Cookie{Name: "__Host-sid"}, false, "Name"},
		{"host prefix in other case", http.Cookie{Name: "__hOST-sid"}, false, "Name"},
		{"host prefix, domain", http.Cookie{Name: "__Host-sid", Secure: true, Domain: "app.example"}, false, "Name"},
		{"host prefix, path", http.Cookie{Name: "__Host-sid", Secure: true, Path: "/a"}, false, "Name"},
		{"secure prefix, not secure", http.Cookie{Name: "__Secure-sid"}, false, "Name"},
		{"http prefix, scriptable", http.Cookie{Name: "__Http-sid", Secure: true}, true, "Name"},
		{"None, not secure", http.Cookie{SameSite: http.SameSiteNoneMode}, false, "SameSite"},
		{"no such mode", http.Cookie{SameSite: 9}, false, "SameSite"},
		{"negative mode", http.Cookie{SameSite: -1}, false, "SameSite"},
		{"Partitioned, not secure", http.Cookie{Partitioned: true}, false, "Partitioned"},
		{"negative MaxAge", http.Cookie{MaxAge: -1}, false, "MaxAge"},
		{"Expires", http.Cookie{Expires: time.Unix(2e9, 0)}, false, "Expires"},
		{"Value", http.Cookie{Value: "x"}, false, "Value"},
		{"Quoted", http.Cookie{Quoted: true}, false, "Quoted"},
		{"invalid name", http.Cookie{Name: "a b"}, false, "Name"},
		{"invalid domain", http.Cookie{Domain: "a b"}, false, "Domain"},
		{"invalid path", http.Cookie{Path: "/a;b"}, false, "Path"},
		{"relative path", http.Cookie{Path: "a"}, false, "Path"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := bindTransport(Cookie(test.template), nil, test.scriptable)
			if test.option == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "session: Cookie: ") || !strings.Contains(err.Error(), test.option) {
				t.Errorf("error %v, want one that names %s", err, test.option)
			}
		})
	}
}
