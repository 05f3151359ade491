//go:build linux

package damage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	"github.com/boltsession/session"
)

// What a byte of a bbolt file is for.
const (
	unused = iota
	inMeta // a meta page; of the two one is enough
	inList // the list of free pages, which can be made anew
	inTree // what the last commit's tree consists of
)

// anatomy says what each byte of a sound bbolt file is for. It is written from bbolt's layout and
// shares nothing with the verifier whose word it is compared to.
type anatomy struct {
	image    []byte
	pageSize int
	pages    int
	root     int
	use      []byte
	first    []int                // of each page, the one with the header
	homes    map[session.ID][]int // the pages with a session's records
	depth    int
}

var errNoAnatomy = errors.New("dissect: not a sound bbolt file")

// dissect takes a sound file apart.
func dissect(image []byte) (*anatomy, error) {
	if len(image) < 8192 {
		return nil, errNoAnatomy
	}
	a := &anatomy{image: image, use: make([]byte, len(image)), homes: map[session.ID][]int{}}
	a.pageSize = int(binary.LittleEndian.Uint32(image[24:]))
	var root, list, txid uint64
	for at := 0; at <= a.pageSize; at += a.pageSize {
		m := image[at+16:]
		if !validMeta(m) {
			return nil, errNoAnatomy
		}
		a.mark(at, 10, inMeta) // the rest of the header means nothing
		a.mark(at+16, 64, inMeta)
		if id := binary.LittleEndian.Uint64(m[48:]); id >= txid {
			root, list = binary.LittleEndian.Uint64(m[16:]), binary.LittleEndian.Uint64(m[32:])
			a.pages, txid = int(binary.LittleEndian.Uint64(m[40:])), id
		}
	}
	if a.pages*a.pageSize > len(image) {
		return nil, errNoAnatomy
	}
	a.first = make([]int, a.pages)
	if list != ^uint64(0) {
		p := int(list) * a.pageSize
		a.mark(p, 16+8*int(binary.LittleEndian.Uint16(image[p+10:])), inList)
	}
	a.root = int(root)
	return a, a.tree(root, nil)
}

// validMeta says whether the checksum of a meta page fits: FNV-1a of what stands before it.
func validMeta(m []byte) bool {
	h := fnv.New64a()
	h.Write(m[:56])
	return binary.LittleEndian.Uint32(m) == 0xED0CDAED && h.Sum64() == binary.LittleEndian.Uint64(m[56:])
}

func (a *anatomy) mark(at, n int, what byte) {
	for i := at; i < at+n; i++ {
		a.use[i] = what
	}
}

// tree marks page id of a bucket and what it leads to.
func (a *anatomy) tree(id uint64, path []string) error {
	a.depth++
	defer func() { a.depth-- }()
	at := int(id) * a.pageSize
	if id < 2 || int(id) >= a.pages || a.depth > 64 || binary.LittleEndian.Uint64(a.image[at:]) != id {
		return fmt.Errorf("%w: page %d", errNoAnatomy, id)
	}
	for p := int(id); p <= int(id)+int(binary.LittleEndian.Uint32(a.image[at+12:])); p++ {
		a.first[p] = int(id)
	}
	return a.page(at, path)
}

// page marks the page that begins at a byte, which may be that of an inline bucket.
func (a *anatomy) page(at int, path []string) error {
	le := binary.LittleEndian
	flags, count := le.Uint16(a.image[at+8:]), int(le.Uint16(a.image[at+10:]))
	a.mark(at, 16+16*count, inTree)
	for e := at + 16; e < at+16+16*count; e += 16 {
		if flags == 1 { // a branch: position, size of the key, child
			a.mark(e+int(le.Uint32(a.image[e:])), int(le.Uint32(a.image[e+4:])), inTree)
			if err := a.tree(le.Uint64(a.image[e+8:]), path); err != nil {
				return err
			}
			continue
		}
		from, key, value := e+int(le.Uint32(a.image[e+4:])), int(le.Uint32(a.image[e+8:])), int(le.Uint32(a.image[e+12:]))
		a.mark(from, key+value, inTree)
		if le.Uint32(a.image[e:]) == 1 {
			if err := a.bucket(a.image[from:from+key+value], from, key, path); err != nil {
				return err
			}
		} else if len(path) == 2 && path[0] == "sessions" && key >= 32 {
			id := session.ID(a.image[from : from+32])
			a.homes[id] = append(a.homes[id], a.first[at/a.pageSize])
		}
	}
	return nil
}

// bucket marks the bucket in an element whose key begins at a byte.
func (a *anatomy) bucket(element []byte, at, key int, path []string) error {
	path = append(path[:len(path):len(path)], string(element[:key]))
	if child := binary.LittleEndian.Uint64(element[key:]); child != 0 {
		return a.tree(child, path)
	}
	return a.page(at+key+16, path)
}

// harm is what damage did.
type harm struct {
	tree, list, meta bool
	short            bool         // the file is cut off
	pages            map[int]bool // in which something of the tree was changed
}

// effective says whether damage changed anything that is used.
func (h harm) effective() bool { return h.tree || h.list || h.meta }

// harm says what the damaged image lacks of the sound one.
func (a *anatomy) harm(damaged []byte) harm {
	h := harm{short: len(damaged) < a.pages*a.pageSize, pages: map[int]bool{}}
	for i, what := range a.use {
		if what == unused || i < len(damaged) && damaged[i] == a.image[i] {
			continue
		}
		h.tree = h.tree || what == inTree
		h.list = h.list || what == inList
		h.meta = h.meta || what == inMeta
		if what == inTree {
			h.pages[a.first[i/a.pageSize]] = true
		}
	}
	return h
}

// hits says whether damage was on a page with records of a session.
func (a *anatomy) hits(h harm, id session.ID) bool {
	return slices.ContainsFunc(a.homes[id], func(page int) bool { return h.pages[page] })
}

// isUsed says whether anything on a page is used.
func (a *anatomy) isUsed(page int) bool {
	return slices.ContainsFunc(a.use[page*a.pageSize:][:a.pageSize], func(what byte) bool { return what != unused })
}
