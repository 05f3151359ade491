package session

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"net/http"
	"net/netip"
	"strings"
)

// A fingerprint function says what identifies the client of a request: a session is served only
// to requests of which it says the same as of the one that started it. It makes a stolen token
// harder to use, no more. The request's RemoteAddr is the client's, resolved through
// Options.TrustedProxies. Of what it says a salted hash is stored.

// The labels of the parts that the functions below write, as "label=value" lines.
const (
	labelAddress   = "address"
	labelUserAgent = "user agent"
)

// FingerprintClient says the address and the User-Agent of r's client, as Connect does by
// default. Of an IPv6 address it takes the /64, which a household keeps while its machines
// change the rest. A phone that changes networks loses its session: see [FingerprintUserAgent].
func FingerprintClient(r *http.Request) string {
	said := make([]byte, 0, 256) // on the stack, and enough for most
	said = append(said, labelAddress+"="...)
	said = appendNetwork(said, peerOf(r))
	said = append(said, "\n"+labelUserAgent+"="...)
	return string(append(said, r.UserAgent()...))
}

// FingerprintUserAgent says the User-Agent of r's client, and lets it move between networks.
// A browser that updates itself loses its session.
func FingerprintUserAgent(r *http.Request) string {
	return labelUserAgent + "=" + r.UserAgent()
}

// FingerprintNone says nothing: sessions are served to whoever brings their token. Those that
// another function started stay bound to what it said, and are not served any more.
func FingerprintNone(*http.Request) string { return "" }

// appendNetwork appends what of an address stays with a client: all of IPv4, the /64 of IPv6,
// nothing of a Unix socket's peer.
func appendNetwork(dst []byte, a netip.Addr) []byte {
	switch {
	case !a.IsValid():
		return dst
	case a.Is4():
		return a.AppendTo(dst)
	}
	return netip.PrefixFrom(a, 64).Masked().AppendTo(dst)
}

// fingerprintSum returns what is stored of what a function said: SHA-256 over salt and said,
// then for each labelled line of said, in order, one byte of that line's own salted hash.
// The byte is there to tell in a log which part changed: right 255 times out of 256, and of
// little use to who steals the file, where a longer one would give the address away to a
// search through all of IPv4. The sum of "" is nil: no check.
func fingerprintSum(salt []byte, said string) []byte {
	if said == "" {
		return nil
	}
	full := saltedHash(salt, said)
	sum := full[:]
	for _, part := range labelledParts(said) {
		h := saltedHash(salt, part)
		sum = append(sum, h[0])
	}
	return sum
}

// fingerprintMatches says whether the client of whom said was said may use the session with the
// fingerprint stored. One started without a fingerprint may be used by anybody. The converse is
// a mismatch: else a thief would leave out the header that a function looks at.
func fingerprintMatches(stored, salt []byte, said string) bool {
	if len(stored) == 0 {
		return true
	}
	full := saltedHash(salt, said)
	return len(stored) >= len(full) && subtle.ConstantTimeCompare(stored[:len(full)], full[:]) == 1
}

// fingerprintDiff returns the labels of the parts of said that differ from the stored ones. It
// returns none when that cannot be told: for functions that label nothing, and when the stored
// fingerprint is another function's.
func fingerprintDiff(stored, salt []byte, said string) []string {
	parts := labelledParts(said)
	if len(stored) != sha256.Size+len(parts) {
		return nil
	}
	var changed []string
	for i, part := range parts {
		if h := saltedHash(salt, part); h[0] != stored[sha256.Size+i] {
			label, _, _ := strings.Cut(part, "=")
			changed = append(changed, label)
		}
	}
	return changed
}

// labelledParts returns the lines of said that begin with one of our labels: others could put
// into a log what does not belong there.
func labelledParts(said string) []string {
	var parts []string
	for line := range strings.SplitSeq(said, "\n") {
		label, _, ok := strings.Cut(line, "=")
		if ok && (label == labelAddress || label == labelUserAgent) {
			parts = append(parts, line)
		}
	}
	return parts
}

// saltedHash returns the SHA-256 of salt and said, each after its length, so that no other pair
// reads the same.
func saltedHash(salt []byte, said string) [sha256.Size]byte {
	b := make([]byte, 0, 512) // on the stack, and enough for most
	b = binary.BigEndian.AppendUint64(b, uint64(len(salt)))
	b = append(b, salt...)
	b = binary.BigEndian.AppendUint64(b, uint64(len(said)))
	b = append(b, said...)
	return sha256.Sum256(b)
}
