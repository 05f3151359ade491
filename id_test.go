package session

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

func TestIDText(t *testing.T) {
	id := TokenID("abc") // of SHA-256, FIPS 180-2 appendix B.1
	const hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	equal(t, "String", id.String(), hex)
	equal(t, "Short", id.Short(), hex[:12])
	back, err := ParseID(hex)
	must(t, err)
	equal(t, "ParseID", back, id)
	back, err = ParseID(strings.ToUpper(hex))
	must(t, err)
	equal(t, "ParseID of capitals", back, id)

	text, err := json.Marshal(map[ID]ID{id: id})
	must(t, err)
	equal(t, "JSON", string(text), `{"`+hex+`":"`+hex+`"}`)
	var m map[ID]ID
	must(t, json.Unmarshal(text, &m))
	equal(t, "JSON back", m[id], id)
}

func TestIDParseErrors(t *testing.T) {
	for _, s := range []string{"", "ba", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("0", 63) + "g", strings.Repeat("secret", 11)[:64]} {
		id, err := ParseID(s)
		if err == nil || id != (ID{}) {
			t.Errorf("ParseID(%q): %v, %v", s, id, err)
		} else if s != "" && strings.Contains(err.Error(), s) && len(s) > 2 {
			t.Errorf("the error has what was parsed: %v", err)
		}
		kept := TokenID("kept")
		if err := kept.UnmarshalText([]byte(s)); err == nil || kept != TokenID("kept") {
			t.Errorf("UnmarshalText(%q): %v, %v", s, kept, err)
		}
	}
}

func TestTokenForm(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		token := newToken()
		if raw, err := base64.RawURLEncoding.DecodeString(token); err != nil || len(raw) != 32 || !wellFormed(token) || seen[token] {
			t.Fatalf("token %q", token)
		}
		seen[token] = true
	}
	good := strings.Repeat("A", 43)
	equal(t, "all zero bits", wellFormed(good), true)
	for _, bad := range []string{
		"", good[1:], good + "A", good + "=", good[1:] + "=", good[1:] + "B", // the last has stray bits
		"+" + good[1:], "/" + good[1:], "\n" + good[1:], "é" + good[2:], "%" + good[1:], " " + good[1:], "\x00" + good[1:],
	} {
		if wellFormed(bad) {
			t.Errorf("%q is well-formed", bad)
		}
	}
}
