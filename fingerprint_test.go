package session

import (
	"bytes"
	"crypto/sha256"
	"net/http"
	"slices"
	"testing"
)

func TestFingerprintFunctions(t *testing.T) {
	const ua = "Mozilla/5.0"
	tests := []struct {
		name                   string
		request                *http.Request
		client, agent, nothing string
	}{
		{"IPv4", requestFrom("203.0.113.7:99", "User-Agent", ua), "address=203.0.113.7\nuser agent=" + ua, "user agent=" + ua, ""},
		{"mapped", requestFrom("[::ffff:203.0.113.7]:1", "User-Agent", ua), "address=203.0.113.7\nuser agent=" + ua, "user agent=" + ua, ""},
		{"IPv6", requestFrom("[2001:db8:1:2:3:4:5:6%eth0]:99"), "address=2001:db8:1:2::/64\nuser agent=", "user agent=", ""},
		{"Unix socket", requestFrom("@"), "address=\nuser agent=", "user agent=", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := test.request
			if got := FingerprintClient(r); got != test.client {
				t.Errorf("FingerprintClient %q", got)
			}
			if got := FingerprintUserAgent(r); got != test.agent {
				t.Errorf("FingerprintUserAgent %q", got)
			}
			if got := FingerprintNone(r); got != test.nothing {
				t.Errorf("FingerprintNone %q", got)
			}
		})
	}
}

func TestFingerprintMatchAndDiff(t *testing.T) {
	salt := []byte("0123456789abcdef")
	said := func(remote, agent string) string { return FingerprintClient(requestFrom(remote, "User-Agent", agent)) }
	home := said("203.0.113.7:99", "Mozilla/5.0")
	tests := []struct {
		name   string
		stored string
		now    string
		match  bool
		diff   []string
	}{
		{"same", home, said("203.0.113.7:4711", "Mozilla/5.0"), true, nil},
		{"same /64", said("[2001:db8::1]:1", "x"), said("[2001:db8::2]:1", "x"), true, nil},
		{"other network", said("[2001:db8::1]:1", "x"), said("[2001:db8:0:1::1]:1", "x"), false, []string{"address"}},
		{"address", home, said("198.51.100.1:99", "Mozilla/5.0"), false, []string{"address"}},
		{"user agent", home, said("203.0.113.7:99", "curl/8"), false, []string{"user agent"}},
		{"both", home, said("198.51.100.1:99", "curl/8"), false, []string{"address", "user agent"}},
		{"another function", home, "user agent=Mozilla/5.0", false, nil},
		{"no function any more", home, "", false, nil},
		{"none stored", "", home, true, nil},
		{"none at all", "", "", true, nil},
		{"own function", "card=4711\nroom=1", "card=4712\nroom=1", false, nil},
		{"own function and ours", "card=1\nuser agent=x", "card=1\nuser agent=y", false, []string{"user agent"}},
		{"own function changed", "card=1\nuser agent=x", "card=2\nuser agent=x", false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stored := fingerprintSum(salt, test.stored)
			if got := fingerprintMatches(stored, salt, test.now); got != test.match {
				t.Errorf("matches is %t", got)
			}
			if got := fingerprintDiff(stored, salt, test.now); !slices.Equal(got, test.diff) {
				t.Errorf("diff %q, want %q", got, test.diff)
			}
		})
	}
}

func TestFingerprintSum(t *testing.T) {
	if got := fingerprintSum([]byte("salt"), ""); got != nil {
		t.Errorf("nothing said gives %x, want nil", got)
	}
	salt, said := []byte("salt"), "address=1\nuser agent=2\nother=3"
	sum := fingerprintSum(salt, said)
	if len(sum) != sha256.Size+2 {
		t.Errorf("%d bytes, want the hash and one for each labelled part", len(sum))
	}
	if bytes.Equal(sum, fingerprintSum([]byte("pepper"), said)) {
		t.Error("the salt does not matter")
	}
	if bytes.Equal(fingerprintSum([]byte("a"), "bc"), fingerprintSum([]byte("ab"), "c")) {
		t.Error("salt and said run into each other")
	}
	for _, damaged := range [][]byte{sum[:sha256.Size-1], sum[:1]} {
		if fingerprintMatches(damaged, salt, said) {
			t.Errorf("%d bytes match %d", len(damaged), len(sum))
		}
	}
}
