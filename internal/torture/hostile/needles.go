//go:build linux

package hostile

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// needles finds secrets in much data, in all forms that they are likely to be written in, and also
// when they are cut off: three windows of each form are looked for.
type needles struct {
	secrets []secret
	windows map[uint64]window
	bits    []uint64 // of the windows' hashes: most of the data is over with after one look here
}

// secret is what is not to be found.
type secret struct {
	kind string
	text string
}

// form is one way to write a secret.
type form struct {
	name string
	text string
	size int // bytes of it that cannot be there by chance
}

// window is a part of a form.
type window struct {
	secret   int32
	form, at int16
}

const (
	windowSize = 12 // bytes that are hashed
	bloomBits  = 26
)

func newNeedles() *needles {
	return &needles{windows: map[uint64]window{}, bits: make([]uint64, 1<<(bloomBits-6))}
}

// add adds a secret. One that is base64url, as a token is, is looked for decoded, too.
func (n *needles) add(kind, text string) {
	n.secrets = append(n.secrets, secret{kind, text})
	for f, form := range forms(text) {
		for _, at := range []int{0, (len(form.text) - form.size) / 2, len(form.text) - form.size} {
			h := hashOf([]byte(form.text[at : at+windowSize]))
			if _, ok := n.windows[h]; !ok { // the first form asks for the least
				n.windows[h] = window{int32(len(n.secrets) - 1), int16(f), int16(at)}
			}
			n.bits[h>>(64-bloomBits)>>6] |= 1 << (h >> (64 - bloomBits) & 63)
		}
	}
}

// hashOf mixes the bytes of a window.
func hashOf(b []byte) uint64 {
	h := binary.LittleEndian.Uint64(b)*0x9e3779b97f4a7c15 ^ uint64(binary.LittleEndian.Uint32(b[8:]))*0xd6e8feb86659fd93
	return (h ^ h>>32) * 0x9e3779b97f4a7c15
}

// find returns how often each kind of secret is in data, by "kind, form".
func (n *needles) find(data []byte) map[string]int {
	found := map[string]int{}
	for i := 0; i+windowSize <= len(data); i++ {
		h := hashOf(data[i : i+windowSize])
		if n.bits[h>>(64-bloomBits)>>6]&(1<<(h>>(64-bloomBits)&63)) == 0 {
			continue
		}
		w, ok := n.windows[h]
		if !ok {
			continue
		}
		s := n.secrets[w.secret]
		f := forms(s.text)[w.form]
		if strings.HasPrefix(string(data[i:min(len(data), i+f.size)]), f.text[w.at:int(w.at)+f.size]) {
			found[s.kind+", "+f.name]++
		}
	}
	return found
}

// forms are the ways to write a secret.
func forms(text string) []form {
	list := spellings("", text)
	if raw, err := base64.RawURLEncoding.DecodeString(text); err == nil {
		list = append(list, spellings("decoded, ", string(raw))...)
	}
	return list
}

// spellings are ways to write bytes. In base64 it matters what comes before them: there are three.
func spellings(prefix, text string) []form {
	lower := hex.EncodeToString([]byte(text))
	list := []form{
		{prefix + "as it is", text, 12},
		{prefix + "hex", lower, 24},
		{prefix + "HEX", strings.ToUpper(lower), 24},
		{prefix + "decimal", strings.Trim(fmt.Sprint([]byte(text)), "[]"), 48},
		{prefix + "Go bytes", fmt.Sprintf("%#v", []byte(text))[len("[]byte{"):], 72},
	}
	for i, before := range []string{"", "x", "xx"} {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			coded := e.EncodeToString([]byte(before + text))
			list = append(list, form{fmt.Sprint(prefix, "base64 after ", i), coded[(len(before)*8+5)/6 : len(coded)-1], 16})
		}
	}
	return list
}
