package boltfile

import (
	"bytes"
	"fmt"
)

// load reads page id with its overflow into *buf. It returns nil if that is no page of a tree;
// what is within the page is not looked at.
func (s *Salvage) load(id uint64, buf *[]byte) (page, string) {
	if id < 2 || id >= s.pages {
		return nil, "is referred to but does not exist"
	}
	if problem := s.read(id, buf, 0, s.pageSize); problem != "" {
		return nil, problem
	}
	p := page(*buf)
	switch {
	case p.id() != id:
		return nil, fmt.Sprintf("says it is page %d", p.id())
	case p.kind() != leafPage && p.kind() != branchPage:
		return nil, fmt.Sprintf("has the unexpected type %#x", p.kind())
	case p.overflow() == 0:
		return p, ""
	case p.overflow() >= s.pages-id:
		return nil, "reaches beyond the last page"
	case p.overflow() >= uint64(maxHeld/s.pageSize):
		return nil, "is too large"
	}
	if s.budget -= int64(p.overflow()) * int64(s.pageSize); s.budget < 0 {
		return nil, "is one of too many that claim the same pages"
	}
	if problem := s.read(id, buf, s.pageSize, int(p.overflow()+1)*s.pageSize); problem != "" {
		return nil, problem
	}
	return page(*buf), ""
}

// read reads page id up to byte n into *buf, which has the bytes before from.
func (s *Salvage) read(id uint64, buf *[]byte, from, n int) (problem string) {
	b := *buf
	if cap(b) < n {
		b = make([]byte, n)
		copy(b, (*buf)[:from])
	}
	*buf = b[:n]
	got, err := s.r.ReadAt(b[from:n], int64(id)*int64(s.pageSize)+int64(from))
	if got < n-from {
		return "cannot be read: " + fmt.Sprint(err)
	}
	return ""
}

// shrink gives back a buffer that is out of the ordinary.
func shrink(buf *[]byte) {
	if cap(*buf) > maxKept {
		*buf = nil
	}
}

// within returns element i if it lies within the page, whatever the others do.
func (p page) within(i int) (e element, ok bool) {
	if i < 0 || i >= p.count() || headerSize+(i+1)*elementSize > len(p) {
		return e, false
	}
	pos, key, value := p.sizes(i)
	if key == 0 || key > maxKeySize || pos > uint64(len(p)) || key+value > uint64(len(p))-pos {
		return e, false
	}
	return p.element(i), true
}

// isInline says whether the element of a leaf is a bucket with its page inside.
func (e element) isInline() bool {
	return e.flags == 1 && len(e.value) >= bucketSize+headerSize && order.Uint64(e.value) == 0
}

// belongs says whether some key of the page is one from lo up to but without hi. A page of which
// that is not so was reached by a wrong pointer.
func (p page) belongs(lo, hi []byte) bool {
	if p.count() == 0 {
		return lo == nil && hi == nil
	}
	for i := range p.count() {
		e, ok := p.within(i)
		if ok && bytes.Compare(e.key, lo) >= 0 && (hi == nil || bytes.Compare(e.key, hi) < 0) {
			return true
		}
	}
	return false
}

// inspect returns what is wrong with a page that stands for the keys from lo up to but without
// hi, and whether its elements lie where they should all the same.
func (p page) inspect(lo, hi []byte, isRoot bool, pageSize int) (problem string, laidOut bool) {
	end, problem := p.checkLayout()
	if problem != "" {
		return problem, false
	}
	if p.count() == 0 && (p.kind() == branchPage || !isRoot) {
		return "has no elements", true
	}
	if problem := p.checkOrder(lo, hi); problem != "" {
		return problem, true
	}
	if want := (end + uint64(pageSize) - 1) / uint64(pageSize); want != p.overflow()+1 {
		return fmt.Sprintf("has %d overflow pages instead of %d", p.overflow(), want-1), true
	}
	return "", true
}
