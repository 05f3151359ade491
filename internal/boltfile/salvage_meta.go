package boltfile

import "fmt"

// findTrees finds the meta pages, the later of which leads to the last commit, and says how many
// pages of which size there are.
func (s *Salvage) findTrees(size int64) error {
	v := &verifier{r: s.r}
	pageSize, err := v.findPageSize(size)
	if err != nil {
		if pageSize = s.guessPageSize(size); pageSize == 0 {
			return fmt.Errorf("%w: neither a meta page nor any other was found", ErrFormat)
		}
		s.note(0, "neither meta page is valid")
		s.metaLost = true
	}
	s.pageSize = pageSize
	onFile := min(uint64(size)/uint64(pageSize), maxPages)
	s.pages = onFile
	for id := range uint64(2) {
		b := make([]byte, headerSize+metaSize)
		n, _ := s.r.ReadAt(b, int64(id)*int64(pageSize))
		m, problem := parseMeta(b[:n], id)
		switch {
		case problem != "":
			s.metaLost = true
			s.note(id, "this meta page is invalid ("+problem+"): the last commit may be missing")
		case m.pageSize != pageSize:
			s.note(id, fmt.Sprintf("says that pages have %d bytes instead of %d", m.pageSize, pageSize))
		default:
			s.plant(&m)
		}
	}
	if now := s.trees[Current]; now != nil {
		if now.pages > onFile {
			s.note(onFile, fmt.Sprintf("is missing: the file was cut off at %d of %d pages", onFile, now.pages))
		}
		if !s.metaLost { // or else the lost one may have led further
			s.pages = min(onFile, now.pages)
		}
	}
	return nil
}

// plant puts a meta page in its place, the later one first.
func (s *Salvage) plant(m *meta) {
	s.trees[Previous] = m
	if now := s.trees[Current]; now == nil || m.txid > now.txid {
		s.trees[Previous], s.trees[Current] = now, m
	}
}

// guessPageSize returns the page size for which most pages are what they should be.
func (s *Salvage) guessPageSize(size int64) int {
	best, most := 0, 0
	for pageSize := minPageSize; pageSize <= maxPageSize; pageSize *= 2 {
		right := 0
		for id := int64(2); id < 512 && (id+1)*int64(pageSize) <= size; id++ {
			var head [headerSize]byte
			if n, _ := s.r.ReadAt(head[:], id*int64(pageSize)); n < len(head) {
				break
			}
			p := page(head[:])
			if p.id() == uint64(id) && (p.kind() == leafPage || p.kind() == branchPage || p.kind() == freelistPage) {
				right++
			}
		}
		if right > most {
			best, most = pageSize, right
		}
	}
	return best
}

// readFreelist reads which pages are free. It believes a list only if all of it can be true.
func (s *Salvage) readFreelist() {
	m := *s.trees[Current]
	if m.freelist == noFreelist {
		return
	}
	if m.freelist < 2 || m.freelist >= s.pages {
		s.note(m.freelist, "cannot be the freelist page")
		return
	}
	v := &verifier{r: s.r, meta: m, canceled: func() error { return nil }}
	v.used, v.free = newBitmap(m.pages), newBitmap(m.pages)
	if err := v.readFreelist(); err != nil {
		if damage, ok := err.(*DamageError); ok {
			s.note(damage.Page, damage.Problem)
		}
		return
	}
	copy(s.free, v.free)
	s.listed = true
	head := make([]byte, headerSize)
	if err := v.read(head, m.freelist, 0); err == nil {
		s.reach(m.freelist, page(head).overflow()+1)
	}
}

// reach notes that the n pages from id on are no orphans.
func (s *Salvage) reach(id, n uint64) {
	for p := id; p < min(id+n, s.pages); p++ {
		s.known.set(p)
	}
}
