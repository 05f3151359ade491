package boltfile_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/boltsession/session/internal/boltfile"
)

// Each case is something that bbolt would trust.
func TestVerifyFindsDamage(t *testing.T) {
	base := sound(t, 400)
	_, root, list, pages := base.newest(t)
	_, _, global := base.bucket(t, "sessions", "global")
	sessionsLeaf, globalN, _ := base.bucket(t, "sessions", "global")
	formatLeaf, formatN, _ := base.bucket(t, "format")
	branch := base.page(global)
	if branch.Kind() != 1 || branch.Count() < 3 {
		t.Fatal("the bucket is too small for this test")
	}
	leaf, leaf2 := branch.Child(0), branch.Child(1)
	order := boltfile.Order
	_, format := base.page(formatLeaf).Entry(formatN)
	inline := formatLeaf*pageSize + uint64(bytes.Index(base[formatLeaf*pageSize:], format))

	tests := []struct {
		name   string
		damage func(im image)
		want   string
	}{
		{"other page's id", func(im image) { im.setID(leaf, leaf+1) }, "says it is page"},
		{"meta page in the tree", func(im image) { im.setKind(leaf, 4) }, "unexpected type"},
		{"two types", func(im image) { im.setKind(leaf, 3) }, "unexpected type"},
		{"more elements than room", func(im image) { im.setCount(leaf, 60000) }, "more elements"},
		{"one element fewer", func(im image) { im.setCount(leaf, base.page(leaf).Count()-1) }, "not where it should be"},
		{"no elements in a leaf", func(im image) { im.setCount(leaf, 0) }, "no elements"},
		{"no elements in a branch", func(im image) { im.setCount(global, 0) }, "no elements"},
		{"position", func(im image) { im.element(leaf, 1)[5] ^= 1 }, "not where it should be"},
		{"empty key", func(im image) { order.PutUint32(im.element(leaf, 0)[8:], 0) }, "key of 0 bytes"},
		{"huge key", func(im image) { order.PutUint32(im.element(leaf, 0)[8:], 1<<31) }, "has a key of"},
		{"huge value", func(im image) { order.PutUint32(im.element(leaf, 0)[12:], 1<<31) }, "beyond the page"},
		{"unknown flags", func(im image) { order.PutUint32(im.element(leaf, 0), 2) }, "unknown flags"},
		{"record that says it is a bucket", func(im image) { order.PutUint32(im.element(leaf, 0), 1) }, ""},
		{"keys exchanged", func(im image) { swapKeys(im.page(leaf), 0, 1) }, "out of order"},
		{"same key twice", func(im image) { copyKey(im.page(leaf), 0, 1) }, "out of order"},
		{"key below its page", func(im image) { k, _ := im.page(leaf2).Entry(0); clear(k) }, "out of order"},
		{"key above its page", func(im image) { k, _ := im.page(leaf).Entry(im.page(leaf).Count() - 1); fill255(k) }, "further on"},
		{"branch key below its page's", func(im image) { lower(im.page(global), 1) }, "begins with another key"},
		{"first branch key below its page's", func(im image) { lower(im.page(global), 0) }, "begins with another key"},
		{"children exchanged", func(im image) { swapChildren(im, global, 0, 1) }, "further on"},
		{"child twice", func(im image) { order.PutUint64(im.element(global, 1)[8:], leaf) }, "used twice"},
		{"branch is its own child", func(im image) { order.PutUint64(im.element(global, 1)[8:], global) }, "used twice"},
		{"child is a meta page", func(im image) { order.PutUint64(im.element(global, 1)[8:], 1) }, "does not exist"},
		{"child beyond the end", func(im image) { order.PutUint64(im.element(global, 1)[8:], pages) }, "does not exist"},
		{"child is a giant number", func(im image) { order.PutUint64(im.element(global, 1)[8:], 1<<63) }, "does not exist"},
		{"child is the freelist", func(im image) { order.PutUint64(im.element(global, 1)[8:], list) }, "unexpected type"},
		{"child is free", func(im image) { im.setFree(list, 0, leaf) }, "free"},
		{"overflow onto another page", func(im image) { im.setOverflow(leaf2, im.page(leaf2).Overflow()+1) }, ""},
		{"overflow beyond the end", func(im image) { im.setOverflow(leaf, pages) }, "beyond the last page"},
		{"overflow wraps around", func(im image) { im.setOverflow(leaf, 1<<32-1) }, "beyond the last page"},
		{"bucket without header", func(im image) { order.PutUint32(im.element(formatLeaf, 0)[12:], 3) }, ""},
		{"bucket root is a meta page", func(im image) { im.setBucketRoot(sessionsLeaf, globalN, 1) }, "does not exist"},
		{"bucket root is inline but absent", func(im image) { im.setBucketRoot(sessionsLeaf, globalN, 0) }, "no page header"},
		{"bucket root is its parent", func(im image) { im.setBucketRoot(sessionsLeaf, globalN, sessionsLeaf) }, "used twice"},
		{"inline bucket that says it has pages", func(im image) { order.PutUint64(im[inline:], leaf) }, "bucket header of"},
		{"inline bucket of another type", func(im image) { im[inline+16+8] = 1 }, "not a leaf page"},
		{"inline bucket too many elements", func(im image) { im[inline+16+10] = 9 }, "more elements"},
		{"inline bucket size", func(im image) { im[inline+16+16+12]-- }, "bytes too many"},
		{"inline bucket with a bucket", func(im image) { im[inline+16+16] = 1 }, "flags"},
		{"root holds a value", func(im image) { order.PutUint32(im.element(root, 0), 0) }, "not a bucket"},
		{"free page listed twice", func(im image) { im.setFree(list, 1, im.free(list, 0)) }, "cannot be"},
		{"free page beyond the end", func(im image) { im.setFree(list, 0, pages) }, "cannot be"},
		{"free meta page", func(im image) { im.setFree(list, 0, 1) }, "cannot be"},
		{"freelist too long", func(im image) { im.setCount(list, 60000) }, "more free pages"},
		{"freelist of giant length", func(im image) { im.setCount(list, 0xFFFF); im.setFree(list, 0, 1<<63) }, "more free pages"},
		{"freelist of another type", func(im image) { im.setKind(list, 2) }, "not the freelist page"},
		{"freelist page out of range", func(im image) { im.setMeta(t, 32, pages) }, "cannot be the freelist"},
		{"root page out of range", func(im image) { im.setMeta(t, 16, pages) }, "cannot be the root"},
		{"more pages than the file", func(im image) { im.setMeta(t, 40, uint64(len(im))/pageSize+1) }, "cut off"},
		{"fewer pages than in use", func(im image) { im.setMeta(t, 40, root+1) }, ""},
		{"page size of one meta page", func(im image) { im.setMetaOf(1, 8, 2*pageSize) }, "instead of"},
		{"page size", func(im image) { im.setMetaOf(0, 8, 12345) }, "pages have 12345 bytes"},
		{"both meta pages", func(im image) { im[30] ^= 1; im[pageSize+30] ^= 1 }, "neither meta page"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			im := bytes.Clone(base)
			tt.damage(im)
			_, err := verify(im, nil)
			var damage *boltfile.DamageError
			if !errors.As(err, &damage) {
				t.Fatalf("VerifyAt = %v, want a DamageError", err)
			}
			if !strings.Contains(damage.Problem, tt.want) {
				t.Errorf("problem = %v, want %q", damage, tt.want)
			}
		})
	}
}

// A page that claims a page more than it fills is damaged even if nobody else has that page.
func TestVerifyFindsOverflowTooLong(t *testing.T) {
	im := sound(t, 400)
	_, _, _, pages := im.newest(t)
	_, _, global := im.bucket(t, "sessions", "global")
	last := im.page(global).Count() - 1
	leaf := im.page(im.page(global).Child(last))
	im = append(im[:pages*pageSize], leaf...) // the same leaf at the end, with a page behind it
	im = append(im, make([]byte, pageSize)...)
	im.setID(pages, pages)
	im.setOverflow(pages, leaf.Overflow()+1)
	boltfile.Order.PutUint64(im.element(global, last)[8:], pages)
	im.setMeta(t, 40, uint64(len(im))/pageSize)
	if _, err := verify(im, nil); err == nil || !strings.Contains(err.Error(), "overflow pages instead of") {
		t.Errorf("VerifyAt = %v", err)
	}
}

func swapKeys(p boltfile.Page, i, j int) {
	a, _ := p.Entry(i)
	b, _ := p.Entry(j)
	old := bytes.Clone(a)
	copy(a, b)
	copy(b, old)
}

func copyKey(p boltfile.Page, from, to int) {
	a, _ := p.Entry(from)
	b, _ := p.Entry(to)
	copy(b, a)
}

func fill255(b []byte) {
	for i := range b {
		b[i] = 255
	}
}

func swapChildren(im image, branch uint64, i, j int) {
	p, order := im.page(branch), boltfile.Order
	a, b := p.Child(i), p.Child(j)
	order.PutUint64(im.element(branch, i)[8:], b)
	order.PutUint64(im.element(branch, j)[8:], a)
}

func (im image) free(list uint64, n int) uint64 {
	return boltfile.Order.Uint64(im[list*pageSize+16+uint64(n)*8:])
}

func (im image) setFree(list uint64, n int, id uint64) {
	boltfile.Order.PutUint64(im[list*pageSize+16+uint64(n)*8:], id)
}

func (im image) setBucketRoot(leaf uint64, n int, root uint64) {
	_, v := im.page(leaf).Entry(n)
	boltfile.Order.PutUint64(v, root)
}

// lower makes key i of a page a little smaller.
func lower(p boltfile.Page, i int) {
	k, _ := p.Entry(i)
	for at := len(k) - 1; ; at-- {
		if k[at]--; k[at] != 255 {
			return
		}
	}
}

// Why a branch key must be the first key of its page: bbolt finds all keys as long as it is not
// larger, but looks for a page's entry in its parent by the first key when it has written the page
// anew, adds another one if there is none, and leaves the old one leading to a free page.
func TestBranchKeyMatters(t *testing.T) {
	path := newStore(t, 400)
	im := image(mustRead(t, path))
	_, _, global := im.bucket(t, "sessions", "global")
	key, _ := im.page(global).Entry(1)
	key = bytes.Clone(key)
	lower(im.page(global), 1)
	if err := os.WriteFile(path, im, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	err = boltfile.Guard(func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("sessions")).Bucket([]byte("global")).Put(key, []byte("changed"))
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := boltfile.Verify(t.Context(), path, nil); err == nil || strings.Contains(err.Error(), "begins with another key") {
		t.Errorf("Verify = %v: bbolt copes with such a key, and the verifier is too strict", err)
	}
}
