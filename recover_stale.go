package session

import (
	"hash/maphash"
	"time"

	"github.com/boltsession/session/internal/boltfile"
)

// candidate is what turned up of a session of which the last commit's tree lost something.
type candidate struct {
	metas []version
	parts map[string][]boltfile.Ref // records of components
}

// version is metadata of a session, as it was at some time.
type version struct {
	boltfile.Ref
	access time.Time
	filed  int64
	user   string

	alive bool // the index of deadlines has a session under this very deadline
	owned bool // the index of users has it as this user's
}

// candidate returns the candidate for an ID.
func (r *recovery) candidate(id ID) *candidate {
	c := r.found[id]
	if c == nil {
		c = &candidate{parts: map[string][]boltfile.Ref{}}
		r.found[id] = c
	}
	return c
}

// add notes a record of a component.
func (c *candidate) add(component string, ref boltfile.Ref) {
	c.parts[component] = append(c.parts[component], ref)
}

// readStale looks on pages outside of the last commit's tree for what that lost.
func (r *recovery) readStale() error {
	lost := &r.lost[boltfile.Current]
	if len(lost.list) == 0 {
		return nil
	}
	if err := r.readPrevious(); err != nil {
		return err
	}
	w := r.walker()
	w.Found = func(f boltfile.Found) error { return r.turnUp("\x00", f) }
	if err := r.wreck.Scan(w); err != nil {
		return err
	}
	// Only now all names are known: whose bucket a record was in only its checksum says.
	w.Found = func(f boltfile.Found) error {
		if len(f.Key) != len(ID{}) {
			return nil
		}
		for name := range r.names {
			if err := r.turnUp(name, f); err != nil {
				return err
			}
		}
		return nil
	}
	if len(r.names) == 0 {
		return nil
	}
	return r.wreck.Scan(w)
}

// readPrevious walks the tree of the commit before the last one.
func (r *recovery) readPrevious() error {
	if !r.wreck.Has(boltfile.Previous) {
		return nil
	}
	g := &gaps{lost: &r.lost[boltfile.Previous]}
	w := r.walker()
	w.Bucket = r.bucket
	w.Lost = func(l boltfile.Lost) error { r.lost[boltfile.Previous].add(l); return nil }
	w.Found = func(f boltfile.Found) error {
		if len(f.Path) == 1 && f.Path[0] == string(formatBucket) && !r.format.ours {
			r.format.add(f.Key, f.Value) // what is damaged here is not missed
		}
		if len(f.Path) == 1 && f.Path[0] == string(expiryBucket) {
			r.filed[boltfile.Previous].put(maphash.Bytes(r.seed, f.Key))
		}
		if !isRecord(f.Path) {
			return nil
		}
		p, ok := placeOf(f.Path[1], f.Key)
		g.see(f, ok && r.sound(p, f.Key, f.Value))
		return r.turnUp(f.Path[1], f)
	}
	err := r.wreck.Walk(boltfile.Previous, w)
	g.close(nil)
	return err
}

// turnUp notes a record if it is one of the given bucket, and one that the last commit's tree
// may have lost.
func (r *recovery) turnUp(bucket string, f boltfile.Found) error {
	p, ok := placeOf(bucket, f.Key)
	if !ok || !r.lost[boltfile.Current].cover(f.Key, "sessions", bucket) {
		return nil
	}
	known := r.found[p.id]
	if bucket != "\x00" && known == nil {
		if m, err := r.out.find(p.id); m == nil || err != nil {
			return err // a component of nobody
		}
	}
	if !r.sound(p, f.Key, f.Value) {
		return nil
	}
	if !p.meta {
		r.candidate(p.id).add(p.component, f.Ref)
		return nil
	}
	m, err := parseMeta(p.id, f.Value)
	if err != nil {
		return err
	}
	for _, name := range m.names {
		r.names[name] = true
	}
	c := r.candidate(p.id)
	c.metas = append(c.metas, version{
		Ref: f.Ref, access: m.LastAccess, filed: m.filed, user: m.User, alive: r.isFiled(boltfile.Current, p.id, m.filed),
	})
	return nil
}
