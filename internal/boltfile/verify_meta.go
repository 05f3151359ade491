package boltfile

import (
	"fmt"
	"io"
)

// readMeta finds the meta page that bbolt will use: the one with the higher transaction of those
// that are valid.
func (v *verifier) readMeta(size int64) error {
	if size == 0 { // bbolt would make a fresh store of it, and nobody would hear of the loss
		return fmt.Errorf("%w: it is empty; remove it to start afresh, or restore a backup", ErrFormat)
	}
	pageSize, err := v.findPageSize(size)
	if err != nil {
		return err
	}
	var metas [2]meta
	var problems [2]string
	for id := range uint64(2) {
		b := make([]byte, headerSize+metaSize)
		n, err := v.r.ReadAt(b, int64(id)*int64(pageSize))
		if n < len(b) && err != io.EOF {
			return &DamageError{Page: id, Problem: "cannot be read: " + fmt.Sprint(err), Err: err}
		}
		metas[id], problems[id] = parseMeta(b[:n], id)
	}
	v.meta = metas[0]
	if problems[0] != "" || problems[1] == "" && metas[1].txid > metas[0].txid {
		v.meta = metas[1]
	}
	for id, problem := range problems {
		switch {
		case problem != "":
			v.warn("meta page %d is invalid (%s): the last commit may be missing", id, problem)
		case metas[id].pageSize != pageSize:
			return damaged(uint64(id), "says that pages have %d bytes instead of %d", metas[id].pageSize, pageSize)
		case !metas[id].headed:
			v.warn("meta page %d has a damaged header; the next commits write it anew", id)
		}
	}
	return v.checkMeta(size)
}

// findPageSize returns the page size that bbolt will take: that of the first valid meta page,
// the second of which can only be found by trying all page sizes.
func (v *verifier) findPageSize(size int64) (int, error) {
	problem, seen := "", false
	for at := int64(0); at <= maxPageSize; at = max(minPageSize, at*2) {
		b := make([]byte, headerSize+metaSize)
		n, err := v.r.ReadAt(b, at)
		if n < len(b) && err != io.EOF {
			return 0, &DamageError{Problem: "cannot be read: " + fmt.Sprint(err), Err: err}
		}
		m, p := parseMeta(b[:n], 0)
		if p != "" {
			if n == len(b) && order.Uint32(b[headerSize:]) == magic && !seen {
				problem, seen = p, true
			}
			continue
		}
		if at > 0 && int64(m.pageSize) != at || !isPageSize(m.pageSize) {
			return 0, damaged(0, "says that pages have %d bytes", m.pageSize)
		}
		return m.pageSize, nil
	}
	if !seen {
		return 0, fmt.Errorf("%w: no meta page found", ErrFormat)
	}
	return 0, damaged(0, "neither meta page is valid: %s", problem)
}

func isPageSize(n int) bool {
	return n >= minPageSize && n <= maxPageSize && n&(n-1) == 0
}

// checkMeta checks that what the chosen meta page names lies within the file.
func (v *verifier) checkMeta(size int64) error {
	m := v.meta
	onFile := uint64(size) / uint64(m.pageSize)
	switch {
	case m.pages > onFile:
		return damaged(onFile, "is missing: the file was cut off at %d of %d pages", onFile, m.pages)
	case m.pages > maxPages:
		return fmt.Errorf("%w: it has %d pages, more than this program reads", ErrFormat, m.pages)
	case m.root < 2 || m.root >= m.pages:
		return damaged(m.root, "cannot be the root page")
	case m.freelist != noFreelist && (m.freelist < 2 || m.freelist >= m.pages):
		return damaged(m.freelist, "cannot be the freelist page")
	}
	return nil
}

// readFreelist reads the stored freelist, if there is one. bbolt hands out what it says without
// another look, so a page listed twice would be written twice.
func (v *verifier) readFreelist() error {
	id := v.meta.freelist
	if id == noFreelist {
		return nil
	}
	v.report.FreelistSynced = true
	head := make([]byte, headerSize+8)
	if err := v.read(head, id, 0); err != nil {
		return err
	}
	p := page(head)
	if p.id() != id || p.kind() != freelistPage {
		return damaged(id, "is not the freelist page that it should be")
	}
	if err := v.claim(id, p.overflow()+1); err != nil {
		return err
	}
	count, off := uint64(p.count()), int64(headerSize)
	if count == manyFree {
		count, off = order.Uint64(head[headerSize:]), headerSize+8
	}
	room := (p.overflow()+1)*uint64(v.meta.pageSize) - uint64(off)
	if count > room/8 {
		return damaged(id, "lists more free pages than it has room for")
	}
	return v.readFree(id, off, count)
}

// readFree reads the count page ids at byte off of freelist page id.
func (v *verifier) readFree(id uint64, off int64, count uint64) error {
	v.report.Free = count
	b := make([]byte, 64<<10)
	last := uint64(1)
	for count > 0 {
		b = b[:min(uint64(len(b)), count*8)]
		if err := v.read(b, id, off); err != nil {
			return err
		}
		for i := 0; i < len(b); i += 8 {
			free := order.Uint64(b[i:])
			if free <= last || free >= v.meta.pages || v.used.has(free) {
				return damaged(id, "lists page %d as free, which cannot be", free)
			}
			v.free.set(free)
			last = free
		}
		off += int64(len(b))
		count -= uint64(len(b)) / 8
	}
	return v.canceled()
}
