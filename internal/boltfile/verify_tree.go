package boltfile

import (
	"bytes"
	"fmt"
)

// bucketWalk is a bucket during its walk.
type bucketWalk struct {
	path []string // nil for the root, which holds only buckets
	root uint64
	keys uint64
}

// bucket checks the pages of a bucket whose root page is not inline.
func (v *verifier) bucket(path []string, root, sequence uint64, depth int) error {
	b := &bucketWalk{path: path, root: root}
	if err := v.tree(b, root, nil, nil, depth); err != nil {
		return err
	}
	v.record(path, Bucket{Keys: b.keys, Sequence: sequence})
	return nil
}

// tree checks page id and what is under it, which holds the keys from lo up to but without hi.
func (v *verifier) tree(b *bucketWalk, id uint64, lo, hi []byte, depth int) error {
	p, err := v.load(id, depth)
	if err != nil {
		return err
	}
	defer v.release(depth)
	end, problem := p.checkLayout()
	if problem == "" {
		problem = p.checkOrder(lo, hi)
	}
	if problem == "" && lo != nil && p.count() > 0 && !bytes.Equal(p.key(0), lo) {
		// Reading would do with a smaller one in the branch. But bbolt finds a page's entry in its
		// branch by the page's first key, and adds another one if it finds none.
		problem = "begins with another key than its branch says"
	}
	if problem != "" {
		return damaged(id, "%s", problem)
	}
	pageSize := uint64(v.meta.pageSize)
	if want := (end + pageSize - 1) / pageSize; want != p.overflow()+1 {
		return damaged(id, "has %d overflow pages instead of %d", p.overflow(), want-1)
	}
	// bbolt indexes element 0 of a branch, and of a leaf that has a parent, without a look.
	if p.count() == 0 && (p.kind() == branchPage || id != b.root) {
		return damaged(id, "has no elements")
	}
	if p.kind() == branchPage {
		return v.branch(b, p, hi, depth)
	}
	return v.leaf(b, id, p, depth)
}

// load reads page id with its overflow into the buffer of this depth and claims it. The pages
// above stay loaded, as their keys bound the ones below.
func (v *verifier) load(id uint64, depth int) (page, error) {
	if v.loads++; v.loads%ctxEvery == 0 {
		if err := v.canceled(); err != nil {
			return nil, err
		}
	}
	if depth >= maxDepth {
		return nil, damaged(id, "lies more than %d pages deep", maxDepth)
	}
	if id < 2 || id >= v.meta.pages {
		return nil, damaged(id, "is referred to but does not exist")
	}
	p, err := v.fill(id, depth, nil, v.meta.pageSize)
	if err != nil {
		return nil, err
	}
	if p.id() != id {
		return nil, damaged(id, "says it is page %d", p.id())
	}
	if p.kind() != leafPage && p.kind() != branchPage {
		return nil, damaged(id, "has the unexpected type %#x", p.kind())
	}
	if err := v.claim(id, p.overflow()+1); err != nil || p.overflow() == 0 {
		return p, err
	}
	size := (p.overflow() + 1) * uint64(v.meta.pageSize)
	if size > maxHeld {
		return nil, damaged(id, "is too large")
	}
	return v.fill(id, depth, p, int(size))
}

// fill reads the first n bytes of page id, of which it has the first ones already.
func (v *verifier) fill(id uint64, depth int, have page, n int) (page, error) {
	buf := v.bufs[depth]
	if cap(buf) < n {
		if v.held += n - cap(buf); v.held > maxHeld {
			return nil, damaged(id, "is too large")
		}
		buf = make([]byte, n)
		copy(buf, have)
		v.bufs[depth] = buf
	}
	buf = buf[:n]
	return buf, v.read(buf[len(have):], id, int64(len(have)))
}

// release gives back the buffer of this depth if it is out of the ordinary.
func (v *verifier) release(depth int) {
	if n := cap(v.bufs[depth]); n > maxKept {
		v.held -= n
		v.bufs[depth] = nil
	}
}

// branch checks the children of p.
func (v *verifier) branch(b *bucketWalk, p page, hi []byte, depth int) error {
	e := p.element(0)
	for i := 1; i < p.count(); i++ {
		next := p.element(i)
		if err := v.tree(b, e.child, e.key, next.key, depth+1); err != nil {
			return err
		}
		e = next
	}
	return v.tree(b, e.child, e.key, hi, depth+1)
}

// leaf checks the elements of leaf page id.
func (v *verifier) leaf(b *bucketWalk, id uint64, p page, depth int) error {
	for i := range p.count() {
		flags, key, value := p.entry(i)
		var err error
		switch {
		case flags == 1:
			err = v.nested(b, id, key, value, depth)
		case flags != 0:
			err = damaged(id, "element %d has the unknown flags %#x", i, flags)
		case b.path == nil:
			err = damaged(id, "element %d of the root bucket is not a bucket", i)
		default:
			err = v.value(b, id, key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// value counts a key and hands it to the visitor.
func (v *verifier) value(b *bucketWalk, id uint64, key, value []byte) error {
	b.keys++
	if v.visit == nil {
		return nil
	}
	if err := v.visit(b.path, key, value); err != nil {
		return &DamageError{Page: id, Problem: err.Error(), Err: err}
	}
	return nil
}

// nested checks the bucket in an element of leaf page id.
func (v *verifier) nested(parent *bucketWalk, id uint64, key, value []byte, depth int) error {
	path := append(parent.path[:len(parent.path):len(parent.path)], string(key))
	if len(value) < bucketSize {
		return damaged(id, "holds a bucket of %d bytes", len(value))
	}
	root, sequence := order.Uint64(value), order.Uint64(value[8:])
	if root == 0 {
		return v.inline(path, sequence, id, page(value[bucketSize:]))
	}
	if len(value) != bucketSize {
		return damaged(id, "holds a bucket header of %d bytes", len(value))
	}
	return v.bucket(path, root, sequence, depth+1)
}

// inline checks a bucket that is small enough to live in its element of leaf page id.
func (v *verifier) inline(path []string, sequence, id uint64, p page) error {
	if problem := p.checkInline(); problem != "" {
		return damaged(id, "holds a damaged bucket: %s", problem)
	}
	b := &bucketWalk{path: path}
	for i := range p.count() {
		flags, key, value := p.entry(i)
		if flags != 0 {
			return damaged(id, "holds a damaged bucket: element %d has the flags %#x", i, flags)
		}
		if err := v.value(b, id, key, value); err != nil {
			return err
		}
	}
	v.record(path, Bucket{Keys: b.keys, Sequence: sequence})
	return nil
}

// checkInline checks the page of an inline bucket, which fills its value to the last byte.
func (p page) checkInline() (problem string) {
	if len(p) < headerSize {
		return "no page header"
	}
	if p.id() != 0 || p.kind() != leafPage || p.overflow() != 0 {
		return "not a leaf page"
	}
	end, problem := p.checkLayout()
	if problem != "" {
		return problem
	}
	if end != uint64(len(p)) {
		return fmt.Sprintf("%d bytes too many", uint64(len(p))-end)
	}
	return p.checkOrder(nil, nil)
}
