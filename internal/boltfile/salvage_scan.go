package boltfile

// Scan passes on the elements of all leaf pages that no walk reached so far, in the order of
// pages, Lost and Bucket excepted. What it finds was written once. It may be older than what the
// tree has, or of a session that was destroyed since: only the trees can tell.
func (s *Salvage) Scan(w Walker) error {
	defer shrink(&s.buf)
	s.refill()
	for id := uint64(2); id < s.pages; id++ {
		if w.Page != nil {
			if err := w.Page(); err != nil {
				return err
			}
		}
		if s.known.has(id) {
			continue
		}
		p, _ := s.load(id, &s.buf)
		if p == nil || p.kind() != leafPage {
			continue
		}
		if err := s.scanLeaf(id, p, w); err != nil {
			return err
		}
		// The pages of a value that goes on are no pages of their own, whatever it may look like:
		// users choose values.
		if end, problem := p.checkLayout(); problem == "" {
			id += min(p.overflow(), (max(end, 1)-1)/uint64(s.pageSize))
		}
	}
	return nil
}

// scanLeaf passes on the elements of a leaf page, and of the inline buckets in it.
func (s *Salvage) scanLeaf(id uint64, p page, w Walker) error {
	if w.Found == nil {
		return nil
	}
	ref := Ref{Page: id, Reach: Orphan}
	if s.free.has(id) {
		ref.Reach = Free
	}
	for i := range p.count() {
		e, ok := p.within(i)
		if !ok {
			continue
		}
		ref.Index, ref.Inner = i, 0
		var err error
		switch {
		case e.isInline():
			err = eachInline(page(e.value[bucketSize:]), ref, func(ref Ref, e element) error {
				return w.Found(Found{Ref: ref, Key: e.key, Value: e.value})
			})
		case e.flags == 0:
			err = w.Found(Found{Ref: ref, Key: e.key, Value: e.value})
		}
		if err != nil {
			return err
		}
	}
	return nil
}
