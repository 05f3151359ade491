package session

import (
	"hash/maphash"
	"slices"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/boltsession/session/internal/record"
)

// place is where a record belongs, by its bucket and key.
type place struct {
	id        ID
	component string
	meta      bool
}

// placeOf returns the place of a record of the sessions bucket.
func placeOf(component string, key []byte) (p place, ok bool) {
	n := len(p.id)
	if component != "\x00" {
		p.component, ok = component, len(key) == n
	} else if len(key) == n+1 {
		p.meta = key[n] == metaRecord
		ok = p.meta || key[n] == dataRecord
	}
	if ok {
		copy(p.id[:], key)
	}
	return p, ok
}

// sound says whether a record is whole, was written in this place, and parses.
func (r *recovery) sound(p place, key, sealed []byte) bool {
	if !p.meta {
		encrypted, err := checkValues(bucketName(p.component), key, sealed)
		r.encrypted = r.encrypted || encrypted
		return err == nil
	}
	body, err := record.Unseal(globalBucket, key, sealed)
	if err == nil {
		_, err = record.ViewMeta(body)
	}
	return err == nil
}

// isRecord says whether a bucket holds records of sessions.
func isRecord(path []string) bool { return len(path) == 2 && path[0] == "sessions" }

// walker returns a walker that cancels and counts.
func (r *recovery) walker() boltfile.Walker {
	return boltfile.Walker{Page: func() error { r.progress.page(); return r.ctx.Err() }}
}

// readCurrent takes what is sound in the last commit's tree, and finds out what it lost.
func (r *recovery) readCurrent() error {
	g := &gaps{lost: &r.lost[boltfile.Current]}
	w := r.walker()
	w.Bucket = r.bucket
	w.Lost = func(l boltfile.Lost) error { r.lost[boltfile.Current].add(l); return nil }
	w.Found = func(f boltfile.Found) error {
		switch {
		case len(f.Path) == 1 && f.Path[0] == string(formatBucket):
			if err := r.format.add(f.Key, f.Value); err != nil {
				r.damaged[f.Page] = err.Error()
			}
		case len(f.Path) == 1 && f.Path[0] == string(expiryBucket):
			r.filed[boltfile.Current].put(maphash.Bytes(r.seed, f.Key))
		case isRecord(f.Path):
			p, ok := placeOf(f.Path[1], f.Key)
			ok = ok && r.sound(p, f.Key, f.Value)
			g.see(f, ok)
			if !ok {
				r.damaged[f.Page] = "holds records that fail their checksum"
				return nil
			}
			return r.take(p, f)
		}
		return nil
	}
	err := r.wreck.Walk(boltfile.Current, w)
	g.close(nil)
	return err
}

// bucket notes what the header of a bucket tells.
func (r *recovery) bucket(path []string, sequence uint64) error {
	if isRecord(path) && path[1] == "\x00" && r.counted < 0 {
		r.counted = int64(min(sequence, 1<<62))
	} else if isRecord(path) && path[1] != "\x00" {
		r.names[path[1]] = true
	}
	return nil
}

// take puts a record of the last commit's tree into the new store.
func (r *recovery) take(p place, f boltfile.Found) error {
	if p.meta {
		m, err := parseMeta(p.id, f.Value)
		if err != nil {
			return err
		}
		// An old page in the place of a newer one may hold sessions that have ended.
		if !r.isFiled(boltfile.Current, p.id, m.filed) && !r.lost[boltfile.Current].cover(expiryKey(m.filed, p.id), "expiry") {
			r.passed = p.id
			return nil
		}
		return r.takeMeta(p.id, m, f.Value)
	}
	if p.component == "" && p.id == r.last {
		return r.out.putValues("", p.id, f.Value)
	}
	if p.component == "" && p.id == r.passed {
		return nil
	}
	if p.component != "" {
		if m, err := r.out.find(p.id); err != nil || m != nil {
			if err == nil && slices.Contains(m.names, p.component) {
				err = r.out.putValues(p.component, p.id, f.Value)
			}
			return err
		}
	}
	// The session's metadata is not there: it may be lost, and turn up.
	if r.lost[boltfile.Current].cover(metaKey(p.id), "sessions", "\x00") {
		r.candidate(p.id).add(p.component, f.Ref)
	}
	return nil
}

// isFiled says whether a commit's index of deadlines has a session under this deadline.
func (r *recovery) isFiled(in boltfile.Reach, id ID, deadline int64) bool {
	return r.filed[in].has(maphash.Bytes(r.seed, expiryKey(deadline, id)))
}

// takeMeta puts metadata into the new store unless the session has expired.
func (r *recovery) takeMeta(id ID, m *storedMeta, sealed []byte) error {
	for _, name := range m.names {
		r.names[name] = true
	}
	if m.Expired(r.now) {
		r.passed = id
		r.report.Expired++
		return nil
	}
	r.last = id
	r.taken++
	return r.out.putMeta(id, sealed)
}

// usable says whether what was read is a store that this version knows. Where what says so is
// lost, records that check out will tell.
func (r *recovery) usable() error {
	lost := &r.lost[boltfile.Current]
	switch {
	case r.format.ours:
	case lost.cover(versionKey, string(formatBucket)):
		return nil
	case r.wreck.MetaLost():
		// The commit that this is the tree of was before the file became a store.
		lost.add(boltfile.Lost{Problem: "there is no valid meta page"})
		return nil
	}
	return r.format.check()
}
