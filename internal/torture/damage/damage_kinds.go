//go:build linux

package damage

import (
	"bytes"
	"math/rand/v2"
)

// damageKind is a way in which disks and copying programs spoil a file.
type damageKind struct {
	name string
	do   func(r *rand.Rand, image []byte, page int) []byte
}

// damageKinds are the nine of requirement 9.
var damageKinds = []damageKind{
	{"cut anywhere", func(r *rand.Rand, im []byte, _ int) []byte { return im[:r.IntN(len(im))] }},
	{"cut at a page", func(r *rand.Rand, im []byte, page int) []byte { return im[:somePage(r, im, page)] }},
	{"bit in data", func(r *rand.Rand, im []byte, page int) []byte {
		return flipBit(r, im, somePage(r, im, page)+16, page-16)
	}},
	{"bit in page header", func(r *rand.Rand, im []byte, page int) []byte {
		return flipBit(r, im, somePage(r, im, page), 16)
	}},
	{"bit in meta page", func(r *rand.Rand, im []byte, page int) []byte {
		return flipBit(r, im, r.IntN(2)*page, 80)
	}},
	{"page of zeros", func(r *rand.Rand, im []byte, page int) []byte {
		clear(im[somePage(r, im, page):][:page])
		return im
	}},
	{"page of noise", func(r *rand.Rand, im []byte, page int) []byte {
		return noise(r, im, somePage(r, im, page), page)
	}},
	{"pages swapped", func(r *rand.Rand, im []byte, page int) []byte {
		a, b := im[somePage(r, im, page):][:page], im[somePage(r, im, page):][:page]
		was := bytes.Clone(a)
		copy(a, b)
		copy(b, was)
		return im
	}},
	{"sector of noise", func(r *rand.Rand, im []byte, _ int) []byte {
		return noise(r, im, r.IntN(len(im)/512)*512, 512)
	}},
}

// somePage returns where a page begins.
func somePage(r *rand.Rand, im []byte, page int) int { return r.IntN(len(im)/page) * page }

func flipBit(r *rand.Rand, im []byte, at, n int) []byte {
	im[at+r.IntN(n)] ^= 1 << r.IntN(8)
	return im
}

func noise(r *rand.Rand, im []byte, at, n int) []byte {
	for i := range im[at : at+n] {
		im[at+i] = byte(r.Uint32())
	}
	return im
}
