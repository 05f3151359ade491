package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// tokenLen is the length of a token: 32 random bytes in base64url without padding.
const tokenLen = 43

// ID names a session: the SHA-256 of its token. It opens nothing, so it may stand in
// files, logs and pages: whoever reads one cannot make the token from it.
type ID [sha256.Size]byte

// TokenID returns the ID of the session that token opens. It hashes the token's text
// as the client sends it and does not check its form.
func TokenID(token string) ID { return sha256.Sum256([]byte(token)) }

// ParseID reads an ID from its 64 hex digits, as [ID.String] writes them.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return ID{}, fmt.Errorf("session: an ID has %d hex digits, not %d", 2*len(id), len(s))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, errors.New("session: an ID has hex digits only")
	}
	return id, nil
}

// String returns the ID as 64 hex digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Short returns the first 12 of the ID's hex digits, enough to tell sessions apart in a log.
func (id ID) Short() string { return hex.EncodeToString(id[:6]) }

// MarshalText returns the ID as 64 hex digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// newToken returns a fresh token. Its 256 random bits are four times what OWASP's
// session management rules ask for; crypto/rand never fails.
func newToken() string {
	var b [32]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// wellFormed says whether token could have come from newToken: its length, its alphabet
// and no stray bits in the last character. It tells nothing about the session.
func wellFormed(token string) bool {
	if len(token) != tokenLen {
		return false
	}
	var b [32]byte
	n, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(token))
	return err == nil && n == len(b)
}
