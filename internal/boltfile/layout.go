package boltfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
)

// A bbolt file is an array of pages; integers are in the byte order of the machine. Pages 0 and
// 1 are meta pages, written in turns. A page that does not fit goes on in the pages after it
// (its overflow). bbolt lays elements out densely, and so the verifier asks for exactly that.
//
//	page header         meta, after the header   branch element       leaf element
//	 0  8  page id       0  4  magic              0  4  position *     0  4  flags, 1: a bucket
//	 8  2  type          4  4  version            4  4  key size       4  4  position *
//	10  2  elements      8  4  page size          8  8  child page     8  4  key size
//	12  4  overflow     12  4  flags                                  12  4  value size
//	                    16  8  root bucket page   bucket header (the start of a bucket's value)
//	                    24  8  root sequence       0  8  root page, 0: a leaf page follows inline
//	                    32  8  freelist page       8  8  sequence
//	                    40  8  number of pages
//	                    48  8  transaction        * of the key, from the start of the element;
//	                    56  8  FNV-64a of 0–55      the value follows the key
const (
	headerSize  = 16
	elementSize = 16
	bucketSize  = 16
	metaSize    = 64

	branchPage   = 0x01
	leafPage     = 0x02
	metaPage     = 0x04
	freelistPage = 0x10

	magic      = 0xED0CDAED
	version    = 2
	noFreelist = 1<<64 - 1 // freelist page of a file whose freelist is not stored
	manyFree   = 0xFFFF    // element count of a freelist page whose first entry is the count

	maxKeySize  = 32768
	minPageSize = 1 << 10
	maxPageSize = 1 << 16 // the largest page of any system Go runs on
)

var order = binary.NativeEndian

// page is a page with its overflow, or the page inside an inline bucket.
type page []byte

func (p page) id() uint64       { return order.Uint64(p) }
func (p page) kind() uint16     { return order.Uint16(p[8:]) }
func (p page) count() int       { return int(order.Uint16(p[10:])) }
func (p page) overflow() uint64 { return uint64(order.Uint32(p[12:])) }

// element is one entry of a leaf or branch page.
type element struct {
	flags      uint32 // leaf
	child      uint64 // branch
	key, value []byte
}

// sizes returns where element i says its key is, from the start of the page, and its sizes.
func (p page) sizes(i int) (pos, key, value uint64) {
	at := headerSize + i*elementSize
	e := p[at : at+elementSize]
	if p.kind() == branchPage {
		return uint64(at) + uint64(order.Uint32(e)), uint64(order.Uint32(e[4:])), 0
	}
	return uint64(at) + uint64(order.Uint32(e[4:])), uint64(order.Uint32(e[8:])), uint64(order.Uint32(e[12:]))
}

// element returns element i of a page that checkLayout found sound.
func (p page) element(i int) element {
	pos, key, value := p.sizes(i)
	e := p[headerSize+i*elementSize:]
	el := element{key: p[pos : pos+key : pos+key], value: p[pos+key : pos+key+value : pos+key+value]}
	if p.kind() == branchPage {
		el.child = order.Uint64(e[8:])
	} else {
		el.flags = order.Uint32(e)
	}
	return el
}

// key is element for who wants the key alone: an element takes longer to hand over than to find.
func (p page) key(i int) []byte {
	pos, key, _ := p.sizes(i)
	return p[pos : pos+key : pos+key]
}

// entry is element for a leaf page.
func (p page) entry(i int) (flags uint32, key, value []byte) {
	pos, k, v := p.sizes(i)
	return order.Uint32(p[headerSize+i*elementSize:]), p[pos : pos+k : pos+k], p[pos+k : pos+k+v : pos+k+v]
}

// checkLayout checks that the elements lie within the page, one directly behind the other, and
// returns where the last one ends.
func (p page) checkLayout() (end uint64, problem string) {
	n := p.count()
	end = uint64(headerSize + n*elementSize)
	if end > uint64(len(p)) {
		return 0, "more elements than the page can hold"
	}
	for i := range n {
		pos, key, value := p.sizes(i)
		switch {
		case pos != end:
			return 0, fmt.Sprintf("element %d is not where it should be", i)
		case key == 0 || key > maxKeySize:
			return 0, fmt.Sprintf("element %d has a key of %d bytes", i, key)
		case end+key+value > uint64(len(p)):
			return 0, fmt.Sprintf("element %d reaches beyond the page", i)
		}
		end += key + value
	}
	return end, ""
}

// checkOrder checks that the keys ascend from lo up to but without hi; nil is no bound.
func (p page) checkOrder(lo, hi []byte) (problem string) {
	prev := lo
	for i := range p.count() {
		key := p.key(i)
		if c := bytes.Compare(prev, key); c > 0 || c == 0 && i > 0 {
			return fmt.Sprintf("key %d is out of order", i)
		}
		prev = key
	}
	if hi != nil && p.count() > 0 && bytes.Compare(prev, hi) >= 0 {
		return "keys belong to a page further on"
	}
	return ""
}

// meta is the head of a tree of pages.
type meta struct {
	pageSize                        int
	root, sequence, freelist, pages uint64
	txid                            uint64
	headed                          bool // the page's header, which no checksum covers, is right
}

// parseMeta reads meta page id at the start of b. It accepts what bbolt accepts, since both must
// choose the same one.
func parseMeta(b []byte, id uint64) (m meta, problem string) {
	if len(b) < headerSize+metaSize {
		return m, "too short"
	}
	h, b := page(b), b[headerSize:headerSize+metaSize]
	sum := fnv.New64a()
	sum.Write(b[:56])
	switch {
	case order.Uint32(b) != magic:
		return m, "no magic number"
	case order.Uint32(b[4:]) != version:
		return m, fmt.Sprintf("format version %d", order.Uint32(b[4:]))
	case order.Uint64(b[56:]) != sum.Sum64():
		return m, "checksum does not match"
	}
	return meta{
		pageSize: int(order.Uint32(b[8:])), root: order.Uint64(b[16:]), sequence: order.Uint64(b[24:]),
		freelist: order.Uint64(b[32:]), pages: order.Uint64(b[40:]), txid: order.Uint64(b[48:]),
		headed: h.id() == id && h.kind() == metaPage,
	}, ""
}

// bitmap is a set of page ids.
type bitmap []uint64

func newBitmap(n uint64) bitmap     { return make(bitmap, (n+63)/64) }
func (m bitmap) has(id uint64) bool { return m[id/64]&(1<<(id%64)) != 0 }
func (m bitmap) set(id uint64)      { m[id/64] |= 1 << (id % 64) }
