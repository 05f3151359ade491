package session

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// testProxies trusts the loopback, 10/8 and one IPv6 network.
func testProxies(t *testing.T) proxies {
	t.Helper()
	p, err := newProxies([]netip.Prefix{
		netip.MustParsePrefix("127.0.0.0/8"),
		netip.MustParsePrefix("::ffff:10.1.2.3/104"), // 10/8, in another notation
		netip.MustParsePrefix("2001:db8:1::5/48"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func requestFrom(remote string, fields ...string) *http.Request {
	r := requestWith(fields...)
	r.RemoteAddr = remote
	return r
}

// overUnix returns r as it comes in through a Unix socket.
func overUnix(r *http.Request) *http.Request {
	r.RemoteAddr = "@"
	local := &net.UnixAddr{Name: "/run/app.sock", Net: "unix"}
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
}

func TestClientAddress(t *testing.T) {
	const xff, fwd = "X-Forwarded-For", "Forwarded"
	tests := []struct {
		name    string
		request *http.Request
		want    string // "" for invalid
	}{
		{"direct", requestFrom("203.0.113.7:99"), "203.0.113.7"},
		{"direct IPv6", requestFrom("[2001:db8::7%eth0]:99"), "2001:db8::7"},
		{"direct mapped", requestFrom("[::ffff:203.0.113.7]:99"), "203.0.113.7"},
		{"untrusted says", requestFrom("203.0.113.7:99", xff, "198.51.100.1", fwd, "for=198.51.100.2"), "203.0.113.7"},
		{"proxy says nothing", requestFrom("10.0.0.1:99"), "10.0.0.1"},
		{"one proxy", requestFrom("10.0.0.1:99", xff, "203.0.113.7"), "203.0.113.7"},
		{"mapped proxy", requestFrom("[::ffff:10.0.0.1]:99", xff, "203.0.113.7"), "203.0.113.7"},
		{"IPv6 proxy with zone", requestFrom("[2001:db8:1::9%eth0]:99", xff, "203.0.113.7"), "203.0.113.7"},
		{"two proxies", requestFrom("10.0.0.1:99", xff, "203.0.113.7, 127.0.0.1"), "203.0.113.7"},
		{"several lines", requestFrom("10.0.0.1:99", xff, "203.0.113.7", xff, "10.0.0.3,10.0.0.2"), "203.0.113.7"},
		{"invented by the client", requestFrom("10.0.0.1:99", xff, "198.51.100.1, 203.0.113.7, 10.0.0.2"), "203.0.113.7"},
		{"all trusted", requestFrom("10.0.0.1:99", xff, "10.0.0.3, 10.0.0.2"), "10.0.0.3"},
		{"malformed", requestFrom("10.0.0.1:99", xff, "203.0.113.7, unknown, 10.0.0.2"), "10.0.0.2"},
		{"malformed last", requestFrom("10.0.0.1:99", xff, "203.0.113.7, 999.1.1.1"), "10.0.0.1"},
		{"empty item", requestFrom("10.0.0.1:99", xff, "203.0.113.7, , 10.0.0.2"), "10.0.0.2"},
		{"empty field", requestFrom("10.0.0.1:99", xff, ""), "10.0.0.1"},
		{"with port", requestFrom("10.0.0.1:99", xff, "203.0.113.7:1234"), "203.0.113.7"},
		{"IPv6", requestFrom("10.0.0.1:99", xff, "2001:db8::7"), "2001:db8::7"},
		{"IPv6 in brackets", requestFrom("10.0.0.1:99", xff, "[2001:db8::7]"), "2001:db8::7"},
		{"IPv6 with port", requestFrom("10.0.0.1:99", xff, "[2001:db8::7%1]:99"), "2001:db8::7"},
		{"mapped client", requestFrom("10.0.0.1:99", xff, "::ffff:203.0.113.7"), "203.0.113.7"},
		{"a name", requestFrom("10.0.0.1:99", xff, "localhost"), "10.0.0.1"},
		{"Forwarded", requestFrom("10.0.0.1:99", fwd, "for=203.0.113.7;proto=https;by=10.0.0.1"), "203.0.113.7"},
		{"Forwarded IPv6", requestFrom("10.0.0.1:99", fwd, `For="[2001:db8::7]:4711"`), "2001:db8::7"},
		{"Forwarded IPv6 without quotes", requestFrom("10.0.0.1:99", fwd, `for=[2001:db8::7]:4711`), "2001:db8::7"},
		{"Forwarded twice", requestFrom("10.0.0.1:99", fwd, `for=198.51.100.1, for="203.0.113.7" ; proto=http`, fwd, "for=10.0.0.2"), "203.0.113.7"},
		{"Forwarded escapes", requestFrom("10.0.0.1:99", fwd, `for="203\.0.113.7"`), "203.0.113.7"},
		{"Forwarded obfuscated", requestFrom("10.0.0.1:99", fwd, "for=203.0.113.7, for=_hidden, for=10.0.0.2"), "10.0.0.2"},
		{"Forwarded without for", requestFrom("10.0.0.1:99", fwd, "for=203.0.113.7, proto=https"), "10.0.0.1"},
		{"Forwarded with an open quote", requestFrom("10.0.0.1:99", fwd, `for=198.51.100.1;x=", for="[2001:db8::7]"`), "10.0.0.1"},
		{"Forwarded left of a malformed line", requestFrom("10.0.0.1:99", fwd, "for=198.51.100.1", fwd, `for="`, fwd, "for=10.0.0.2"), "10.0.0.2"},
		{"Forwarded without a separator", requestFrom("10.0.0.1:99", fwd, `for=203.0.113.7, for="10.0.0.2" for=198.51.100.1`), "10.0.0.1"},
		{"X-Forwarded-For wins", requestFrom("10.0.0.1:99", xff, "203.0.113.7", fwd, "for=198.51.100.2"), "203.0.113.7"},
		{"Unix socket", overUnix(requestWith(xff, "203.0.113.7")), "203.0.113.7"},
		{"Unix socket, nothing said", overUnix(requestWith()), ""},
		{"not over the Unix socket", requestFrom("@", xff, "203.0.113.7"), ""},
		{"no address", requestFrom("", xff, "203.0.113.7"), ""},
	}
	trusted := testProxies(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := trusted.client(test.request)
			if got.IsValid() != (test.want != "") || got.IsValid() && got.String() != test.want {
				t.Errorf("client %v, want %q", got, test.want)
			}
			if got := proxies(nil).client(test.request); got != peerOf(test.request) {
				t.Errorf("without trusted proxies client %v", got)
			}
		})
	}
}

func TestHTTPSBehindProxies(t *testing.T) {
	const proto, fwd = "X-Forwarded-Proto", "Forwarded"
	encrypted := requestFrom("203.0.113.7:99", proto, "http")
	encrypted.TLS = &tls.ConnectionState{}
	tests := []struct {
		name    string
		request *http.Request
		want    bool
	}{
		{"plain", requestFrom("203.0.113.7:99"), false},
		{"TLS", encrypted, true},
		{"untrusted says", requestFrom("203.0.113.7:99", proto, "https", fwd, "proto=https"), false},
		{"proxy says nothing", requestFrom("10.0.0.1:99"), false},
		{"proxy says https", requestFrom("10.0.0.1:99", proto, "HTTPS"), true},
		{"proxy says http", requestFrom("10.0.0.1:99", proto, "http"), false},
		{"proxy says wss", requestFrom("10.0.0.1:99", proto, "wss"), true},
		{"client invents https", requestFrom("10.0.0.1:99", proto, "https, http"), false},
		{"client invents a line", requestFrom("10.0.0.1:99", proto, "https", proto, "http"), false},
		{"last says https", requestFrom("10.0.0.1:99", proto, "http ,https "), true},
		{"proxy says nothing in words", requestFrom("10.0.0.1:99", proto, "", fwd, "proto=https"), false},
		{"Forwarded", requestFrom("10.0.0.1:99", fwd, "for=203.0.113.7;Proto=https"), true},
		{"Forwarded, last", requestFrom("10.0.0.1:99", fwd, "proto=https, proto=http"), false},
		{"Forwarded, not said by the last", requestFrom("10.0.0.1:99", fwd, "proto=https, for=10.0.0.2"), false},
		{"Forwarded, malformed", requestFrom("10.0.0.1:99", fwd, `proto=https;for="`), false},
		{"X-Forwarded-Proto wins", requestFrom("10.0.0.1:99", proto, "http", fwd, "proto=https"), false},
		{"Unix socket", overUnix(requestWith(proto, "https")), true},
	}
	trusted := testProxies(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := trusted.https(test.request); got != test.want {
				t.Errorf("https is %t", got)
			}
			if got := proxies(nil).https(test.request); got != (test.request.TLS != nil) {
				t.Errorf("without trusted proxies https is %t", got)
			}
		})
	}
}

func TestResolvedRequest(t *testing.T) {
	trusted := testProxies(t)
	for _, r := range []*http.Request{requestFrom("203.0.113.7:99", "X-Forwarded-For", "198.51.100.1"), requestFrom("10.0.0.1:99"), overUnix(requestWith())} {
		if trusted.resolved(r) != r {
			t.Errorf("%s: copied for nothing", r.RemoteAddr)
		}
	}
	r := requestFrom("10.0.0.1:99", "X-Forwarded-For", "2001:db8::7")
	got := trusted.resolved(r)
	if got.RemoteAddr != "[2001:db8::7]:0" || got.URL != r.URL || got.Context() != r.Context() {
		t.Errorf("resolved to %s", got.RemoteAddr)
	}
	if r.RemoteAddr != "10.0.0.1:99" {
		t.Error("the request itself was changed")
	}
	if proxies(nil).resolved(r) != r {
		t.Error("without trusted proxies copied")
	}
}

func TestTrustedProxiesChecked(t *testing.T) {
	for _, p := range []netip.Prefix{{}, netip.MustParsePrefix("::ffff:0.0.0.0/90")} {
		if _, err := newProxies([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), p}); err == nil || !strings.Contains(err.Error(), "TrustedProxies[1]") {
			t.Errorf("%s: error %v", p, err)
		}
	}
}

// FuzzForwarded: whatever stands to the left of what the proxy appends, quoted or not, the client
// is the address that it appended, or unknown and so the proxy: never one that the client chose.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "for=1.2.3.4", `for="`, `for=1.2.3.4;x="\`, "for=1.2.3.4;", "for=", `"`, `x="",for=1.2.3.4;y="`} {
		f.Add(seed)
	}
	trusted := proxies{netip.MustParsePrefix("10.0.0.0/8")}
	proxy := netip.MustParseAddr("10.0.0.1")
	f.Fuzz(func(t *testing.T, left string) {
		for _, client := range []string{"203.0.113.7", "2001:db8::7"} {
			appended := "for=" + client
			if strings.Contains(client, ":") {
				appended = `for="[` + client + `]:99"`
			}
			for _, r := range []*http.Request{
				{RemoteAddr: "10.0.0.1:99", Header: http.Header{"Forwarded": {left + ", " + appended}}},
				{RemoteAddr: "10.0.0.1:99", Header: http.Header{"Forwarded": {left, appended}}},
				{RemoteAddr: "10.0.0.1:99", Header: http.Header{"X-Forwarded-For": {left + ", " + client}}},
			} {
				if got := trusted.client(r); got != proxy && got != netip.MustParseAddr(client) {
					t.Errorf("%q: client %s", r.Header, got)
				}
			}
		}
	})
}
