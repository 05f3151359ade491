//go:build linux

package hostile

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestNeedles(t *testing.T) {
	n := newNeedles()
	tokens := make([]string, 100)
	for i := range tokens {
		tokens[i] = randomToken()
		n.add("token", tokens[i])
	}
	token := tokens[50]
	raw, _ := base64.RawURLEncoding.DecodeString(token)
	for name, hidden := range map[string]string{
		"alone": token, "cut off": token[:13], "its end": token[30:], "bytes": string(raw), "hex": hex.EncodeToString(raw),
		"HEX": strings.ToUpper(hex.EncodeToString(raw)), "hex of text": hex.EncodeToString([]byte(token)),
		"base64": base64.StdEncoding.EncodeToString(raw), "base64 of text": base64.StdEncoding.EncodeToString([]byte(token)),
		"in other base64":     base64.StdEncoding.EncodeToString([]byte("sid=" + token + "; x=y")),
		"further on in it":    base64.URLEncoding.EncodeToString([]byte("a sid=" + token + "; x=y")),
		"and further":         base64.StdEncoding.EncodeToString([]byte("ab sid=" + token + "; x=y")),
		"printed":             fmt.Sprint([]byte(token)),
		"printed as an array": fmt.Sprint([32]byte(raw)),
		"printed for Go":      fmt.Sprintf("%#v", [32]byte(raw)),
	} {
		if found := n.find([]byte("something, " + hidden + ", something")); len(found) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	var noise strings.Builder
	for range 20_000 {
		b := make([]byte, 32)
		for i := range b {
			b[i] = byte(rand.UintN(256))
		}
		fmt.Fprintf(&noise, "%x %s %v %s", b, base64.StdEncoding.EncodeToString(b), b, b)
	}
	if found := n.find([]byte(noise.String())); len(found) > 0 {
		t.Errorf("found in noise: %v", found)
	}
}
