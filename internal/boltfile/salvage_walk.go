package boltfile

import "bytes"

// Walk walks the tree of the last commit or of the one before, in the order of keys, and passes
// over what is damaged. It may be repeated. Scan is for what it does not reach.
func (s *Salvage) Walk(reach Reach, w Walker) error {
	if !s.Has(reach) {
		if w.Lost == nil {
			return nil
		}
		return w.Lost(Lost{Reach: reach, Problem: "there is no valid meta page"})
	}
	s.refill()
	m := s.trees[reach]
	t := &treeWalk{
		s: s, w: w, reach: reach,
		used: newBitmap(s.pages), tried: newBitmap(s.pages), bufs: make([][]byte, maxDepth),
	}
	return t.tree(&branchWalk{root: m.root}, m.root, nil, nil, 0)
}

// treeWalk is one walk through a tree.
type treeWalk struct {
	s     *Salvage
	w     Walker
	reach Reach
	used  bitmap // pages that were walked
	tried bitmap // pages that a pointer led to which cannot be meant
	bufs  [][]byte
}

// branchWalk is a bucket during its walk.
type branchWalk struct {
	path []string
	root uint64
}

// tree walks page id, which stands for the keys from lo up to but without hi.
func (t *treeWalk) tree(b *branchWalk, id uint64, lo, hi []byte, depth int) error {
	if t.w.Page != nil {
		if err := t.w.Page(); err != nil {
			return err
		}
	}
	if depth >= maxDepth {
		return t.lose(b.path, id, lo, hi, "lies too many pages deep")
	}
	if problem := t.refuse(id); problem != "" {
		return t.lose(b.path, id, lo, hi, problem)
	}
	defer shrink(&t.bufs[depth])
	p, problem := t.s.load(id, &t.bufs[depth])
	if p == nil {
		return t.lose(b.path, id, lo, hi, problem)
	}
	problem, laidOut := p.inspect(lo, hi, id == b.root, t.s.pageSize)
	if problem != "" && !p.belongs(lo, hi) {
		// A wrong pointer must not take the page away from the right one, but twice is enough:
		// or a thousand pointers could have one large page read a thousand times.
		if t.tried.has(id) {
			t.used.set(id)
		}
		t.tried.set(id)
		return t.lose(b.path, id, lo, hi, problem)
	}
	t.claim(id, p, laidOut)
	if p.kind() == branchPage {
		return t.branch(b, id, p, lo, hi, problem, laidOut, depth)
	}
	if problem != "" {
		if err := t.lose(b.path, id, lo, hi, problem); err != nil {
			return err
		}
	}
	return t.leaf(b, id, p, depth)
}

// refuse returns why page id cannot be the one that a pointer means.
func (t *treeWalk) refuse(id uint64) string {
	switch {
	case id >= t.s.pages:
		return "is referred to but does not exist"
	case t.used.has(id):
		return "is used twice"
	case t.reach == Current && t.s.free.has(id):
		return "is in use and on the freelist"
	}
	return ""
}

// claim notes which pages belong to page id: of a damaged one, only those that it fills.
func (t *treeWalk) claim(id uint64, p page, laidOut bool) {
	n := p.overflow() + 1
	if laidOut {
		end, _ := p.checkLayout()
		n = min(n, max(1, (end+uint64(t.s.pageSize)-1)/uint64(t.s.pageSize)))
	}
	for i := id; i < id+n; i++ {
		t.used.set(i)
	}
	t.s.reach(id, n)
}

// lose reports a part of the tree.
func (t *treeWalk) lose(path []string, id uint64, lo, hi []byte, problem string) error {
	if t.reach == Current {
		t.s.note(id, problem)
	}
	if t.w.Lost == nil {
		return nil
	}
	return t.w.Lost(Lost{Reach: t.reach, Page: id, Path: path, Lo: lo, Hi: hi, Problem: problem})
}

// branch walks the children of page id. Where only its keys are wrong, its pointers are right,
// and the children say for themselves which keys they have.
func (t *treeWalk) branch(b *branchWalk, id uint64, p page, lo, hi []byte, problem string, laidOut bool, depth int) error {
	if !laidOut || p.count() == 0 {
		return t.lose(b.path, id, lo, hi, problem)
	}
	if problem != "" && t.reach == Current {
		t.s.note(id, problem)
	}
	for i := range p.count() {
		e := p.element(i)
		from, to := e.key, hi
		if i+1 < p.count() {
			to = p.element(i + 1).key
		}
		if problem != "" {
			from, to = lo, hi
		}
		if err := t.tree(b, e.child, from, to, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// leaf passes on the elements of leaf page id.
func (t *treeWalk) leaf(b *branchWalk, id uint64, p page, depth int) error {
	for i := range p.count() {
		e, ok := p.within(i)
		if !ok {
			continue
		}
		ref := Ref{Page: id, Index: i, Reach: t.reach}
		var err error
		if e.flags == 1 {
			err = t.nested(b, ref, e, depth)
		} else {
			if e.flags != 0 || b.path == nil {
				err = t.lose(b.path, id, e.key, after(e.key), "has an element of an unknown kind")
			}
			if err == nil && b.path != nil {
				err = t.found(Found{Ref: ref, Path: b.path, Key: e.key, Value: e.value})
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// after returns the key that comes next in the order of all keys.
func after(key []byte) []byte { return append(bytes.Clone(key), 0) }

func (t *treeWalk) found(f Found) error {
	if t.w.Found == nil {
		return nil
	}
	return t.w.Found(f)
}

// nested walks the bucket in an element.
func (t *treeWalk) nested(parent *branchWalk, ref Ref, e element, depth int) error {
	b := &branchWalk{path: append(parent.path[:len(parent.path):len(parent.path)], string(e.key))}
	problem := ""
	switch {
	case len(e.value) < bucketSize:
		problem = "holds a bucket that is cut off"
	case order.Uint64(e.value) != 0 && len(e.value) != bucketSize:
		problem = "holds a damaged bucket header"
	case order.Uint64(e.value) == 0 && len(e.value) < bucketSize+headerSize:
		problem = "holds a damaged bucket"
	}
	if problem != "" {
		return t.lose(b.path, ref.Page, nil, nil, problem)
	}
	if t.w.Bucket != nil {
		if err := t.w.Bucket(b.path, order.Uint64(e.value[8:])); err != nil {
			return err
		}
	}
	if b.root = order.Uint64(e.value); b.root != 0 {
		return t.tree(b, b.root, nil, nil, depth+1)
	}
	p := page(e.value[bucketSize:])
	if problem := p.checkInline(); problem != "" {
		if err := t.lose(b.path, ref.Page, nil, nil, "holds a damaged bucket: "+problem); err != nil {
			return err
		}
	}
	return eachInline(p, ref, func(ref Ref, e element) error {
		return t.found(Found{Ref: ref, Path: b.path, Key: e.key, Value: e.value})
	})
}

// eachInline calls f for the elements of an inline bucket's page.
func eachInline(p page, ref Ref, f func(Ref, element) error) error {
	if p.kind() != leafPage {
		return nil
	}
	for i := range p.count() {
		e, ok := p.within(i)
		if !ok || e.flags != 0 {
			continue
		}
		ref.Inner = i + 1
		if err := f(ref, e); err != nil {
			return err
		}
	}
	return nil
}
