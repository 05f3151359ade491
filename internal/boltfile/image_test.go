package boltfile_test

import (
	"hash/fnv"
	"os"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
)

// image is the bytes of a bbolt file, to be damaged.
type image []byte

var pageSize = uint64(os.Getpagesize())

// page returns page id with its overflow.
func (im image) page(id uint64) boltfile.Page {
	p := boltfile.Page(im[id*pageSize:])
	return p[:(p.Overflow()+1)*pageSize]
}

// newest returns the id of the meta page that counts, and what it says.
func (im image) newest(t testing.TB) (id, root, freelist, pages uint64) {
	t.Helper()
	var last uint64
	for i := range uint64(2) {
		m, problem := boltfile.ParseMeta(im[i*pageSize:], i)
		if problem != "" {
			t.Fatalf("meta page %d: %s", i, problem)
		}
		if r, l, n, txid := m.Fields(); txid >= last {
			id, root, freelist, pages, last = i, r, l, n, txid
		}
	}
	return id, root, freelist, pages
}

// setMeta changes a field of the newest meta page and corrects its checksum.
func (im image) setMeta(t testing.TB, off int, value uint64) {
	t.Helper()
	id, _, _, _ := im.newest(t)
	im.setMetaOf(id, off, value)
}

func (im image) setMetaOf(id uint64, off int, value uint64) {
	m := im[id*pageSize+16:][:64]
	if off < 16 { // the first fields have four bytes
		boltfile.Order.PutUint32(m[off:], uint32(value))
	} else {
		boltfile.Order.PutUint64(m[off:], value)
	}
	sum := fnv.New64a()
	sum.Write(m[:56])
	boltfile.Order.PutUint64(m[56:], sum.Sum64())
}

// bucket returns the page and the element's number that hold the bucket at path, and the
// bucket's root page.
func (im image) bucket(t testing.TB, path ...string) (leaf uint64, n int, root uint64) {
	t.Helper()
	_, root, _, _ = im.newest(t)
	for _, name := range path {
		leaf = root
		p := im.page(leaf)
		for n = 0; ; n++ {
			if n == p.Count() {
				t.Fatalf("no bucket %q", name)
			}
			if k, v := p.Entry(n); string(k) == name {
				root = boltfile.Order.Uint64(v)
				break
			}
		}
	}
	return leaf, n, root
}

// Where the header and the elements of a page have their fields.
func (im image) setID(id, v uint64)        { boltfile.Order.PutUint64(im[id*pageSize:], v) }
func (im image) setKind(id uint64, v int)  { boltfile.Order.PutUint16(im[id*pageSize+8:], uint16(v)) }
func (im image) setCount(id uint64, v int) { boltfile.Order.PutUint16(im[id*pageSize+10:], uint16(v)) }
func (im image) setOverflow(id, v uint64)  { boltfile.Order.PutUint32(im[id*pageSize+12:], uint32(v)) }

// element returns the 16 bytes of element n of page id.
func (im image) element(id uint64, n int) []byte {
	return im[id*pageSize+16+uint64(n)*16:][:16]
}
