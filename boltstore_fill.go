package session

import (
	"encoding/binary"
	"math"
)

// bbolt splits a page that is too full into halves, which is right where keys come in no order: each
// has room for those to come. A burst of new sessions is written in the order of their IDs, though,
// many to a page, and would leave three halves where two pages do.
const (
	denseFill  = 0.75 // of a page, about what pages hold that grow one key at a time
	denseShare = 0.3  // of new sessions to those there before, where they are, from which on they are dense
	leastDense = 16   // new sessions that say anything of where others are
)

// newcomers are the sessions that a transaction adds.
type newcomers struct {
	n           int64
	first, last uint64 // beginnings of the lowest and the highest ID
}

func (n *newcomers) add(id ID) {
	at := binary.BigEndian.Uint64(id[:])
	if n.n == 0 {
		n.first = at
	}
	n.n++
	n.first, n.last = min(n.first, at), max(n.last, at)
}

// dense says whether the newcomers are many beside those that were among them before. IDs are hashes,
// spread evenly; count is how many sessions there are now.
func (n *newcomers) dense(count int64) bool {
	there := float64(count-n.n) * float64(n.last-n.first) / math.MaxUint64
	return n.n >= leastDense && float64(n.n) > denseShare*there
}

// fillPages tells bbolt how full to leave the pages that it splits.
func (a *applier) fillPages() {
	if !a.newcomers.dense(a.count) {
		return
	}
	a.global.FillPercent = denseFill
	for name := range a.grown {
		if b := a.component(name); b != nil {
			b.FillPercent = denseFill
		}
	}
}
