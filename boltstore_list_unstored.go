package session

import (
	"bytes"
	"time"
)

// unstoredIDs are the sessions with accepted saves that found no room, by ID: a listing has them as
// they are in memory, and not as, or because, they are in the file. Empty unless the file is full:
// otherwise what was accepted before a listing is in the file when that begins.
type unstoredIDs struct {
	store *BoltStore
	ids   []ID
}

// unstoredFrom returns those with IDs from one on.
func (b *BoltStore) unstoredFrom(from []byte) *unstoredIDs {
	u := &unstoredIDs{store: b}
	if !b.flushFull.Load() {
		return u
	}
	u.ids = b.mem.pendingIDs()
	for len(u.ids) > 0 && bytes.Compare(u.ids[0][:], from) < 0 {
		u.ids = u.ids[1:]
	}
	return u
}

// before yields those that come before id, all that are left when id is nil.
func (u *unstoredIDs) before(id *ID, yield func(Info, error) bool) bool {
	for len(u.ids) > 0 && (id == nil || compareIDs(u.ids[0], *id) < 0) {
		next := u.ids[0]
		u.ids = u.ids[1:]
		if info, ok := u.store.infoOf(next); ok && !yield(info, nil) {
			return false
		}
	}
	return true
}

// has says whether id comes next.
func (u *unstoredIDs) has(id ID) bool { return len(u.ids) > 0 && u.ids[0] == id }

// infoOf returns what a listing tells of a session, by its ID; ok is false for none.
func (b *BoltStore) infoOf(id ID) (info Info, ok bool) {
	e, _, refused := b.mem.pendingOf(id)
	if e == nil || refused {
		return Info{}, false
	}
	meta, values, err := b.load(id, e.meta.names)
	if err != nil {
		touched := b.mem.touched(id).over(e.meta.Meta)
		return Info{ID: id, Meta: touched}, !touched.Expired(time.Now()) && !b.refuses(id, touched.User)
	}
	info = Info{ID: id, Meta: meta.Meta, Components: make(map[string]int, len(values))}
	for _, c := range values {
		if n := c.values.Len(); n > 0 {
			info.Components[c.name] = n
		}
	}
	return info, true
}
