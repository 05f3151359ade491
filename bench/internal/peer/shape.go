package peer

import (
	"fmt"
	"math/rand/v2"
)

// Shape is what a session holds.
type Shape struct {
	Keys  int // values: a counter, and texts of 32 bytes
	Parts int // components beside, with 4 texts each; where a peer has none, keys with a prefix
	Cart  int // bytes of one large text, 0: there is none
}

const (
	textSize = 32
	partKeys = 4
	views    = "views" // the counter
	cart     = "cart"  // the large text
)

// keyName returns the name of the k-th text.
func keyName(k int) string { return fmt.Sprintf("key-%02d", k) }

// partName returns the name of the k-th component.
func partName(k int) string { return fmt.Sprintf("part-%d", k) }

// UserName returns the user of the i-th session that Fill makes: every user has ten.
func UserName(i int) string { return fmt.Sprintf("user-%d", i/10) }

// each calls text for every text of the i-th session.
func (s Shape) each(i int, text func(part, key, value string)) {
	rng := rand.New(rand.NewPCG(uint64(i), 1))
	for k := 1; k < s.Keys; k++ {
		text("", keyName(k), randomText(rng, textSize))
	}
	for p := range s.Parts {
		for k := range partKeys {
			text(partName(p), keyName(k), randomText(rng, textSize))
		}
	}
	if s.Cart > 0 {
		text("", cart, randomText(rng, s.Cart))
	}
}

// Bytes returns about how many bytes a session's values take, encoded, names included: what the
// bare peers write.
func (s Shape) Bytes() int {
	n := 10 + len(views)
	s.each(0, func(part, key, value string) { n += len(part) + len(key) + len(value) + 3 })
	return n
}

func randomText(rng *rand.Rand, n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return string(b)
}
