package session

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/boltsession/session/internal/boltfile"
)

// readEvidence asks the index of users in the last commit's tree about the sessions that turned up.
func (r *recovery) readEvidence() error {
	if len(r.found) == 0 {
		return nil
	}
	w := r.walker()
	w.Found = func(f boltfile.Found) error {
		if len(f.Path) != 1 || f.Path[0] != string(usersBucket) {
			return nil
		}
		user, id, ok := parseUserKey(f.Key)
		if c := r.found[id]; ok && c != nil {
			for i := range c.metas {
				c.metas[i].owned = c.metas[i].owned || c.metas[i].user == string(user)
			}
		}
		return nil
	}
	return r.wreck.Walk(boltfile.Current, w)
}

// choose returns the version of a session to take: the newest of those that nothing speaks
// against; nil if there is none. A copy in the commit before is preferred to one of the same
// last access of which nobody knows how old it is.
func (r *recovery) choose(id ID, c *candidate) *version {
	var possible []*version
	for i := range c.metas {
		if v := &c.metas[i]; r.possible(id, c, v) {
			possible = append(possible, v)
		}
	}
	if len(possible) == 0 {
		return nil
	}
	return slices.MinFunc(possible, func(a, b *version) int {
		return cmp.Or(b.access.Compare(a.access), cmp.Compare(a.Reach, b.Reach))
	})
}

// possible says whether a version can be what the last commit had of a session.
func (r *recovery) possible(id ID, c *candidate, v *version) bool {
	now, before := &r.lost[boltfile.Current], &r.lost[boltfile.Previous]
	if v.user != "" && !v.owned && !now.cover(userKey(v.user, id), "users") {
		return false // another user's by then, or nobody's
	}
	if v.alive {
		return true
	}
	if !now.cover(expiryKey(v.filed, id), "expiry") {
		return false // ended, or filed under another deadline by then
	}
	if !r.wreck.Has(boltfile.Previous) {
		return v.Reach != boltfile.Free
	}
	if !before.cover(expiryKey(v.filed, id), "expiry") && !r.isFiled(boltfile.Previous, id, v.filed) {
		return false // ended, or filed under another deadline, one commit earlier
	}
	if !before.cover(metaKey(id), "sessions", "\x00") {
		// The commit before is whole here. Who is not in it ended earlier, or is one commit old.
		return slices.ContainsFunc(c.metas, func(v version) bool { return v.Reach == boltfile.Previous })
	}
	return v.Reach != boltfile.Free
}

// bring puts the sessions that turned up, and what turned up of others, into the new store.
func (r *recovery) bring() error {
	ids := make([]ID, 0, len(r.found))
	for id := range r.found {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range ids {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := r.bringOne(id, r.found[id]); err != nil {
			return err
		}
	}
	return nil
}

// bringOne puts a session into the new store, or what it lacks.
func (r *recovery) bringOne(id ID, c *candidate) error {
	m, err := r.out.find(id)
	if err != nil {
		return err
	}
	beside := boltfile.Ref{}
	if m == nil {
		v := r.choose(id, c)
		if v == nil {
			return nil
		}
		if m, err = r.bringMeta(id, v); m == nil || err != nil {
			return err
		}
		beside = v.Ref
	}
	for _, name := range append([]string{""}, m.names...) {
		if r.out.has(name, id) {
			continue
		}
		if sealed := r.pick(c.parts[name], beside); sealed != nil {
			if err := r.out.putValues(name, id, sealed); err != nil {
				return err
			}
		}
	}
	return nil
}

// bringMeta puts a version of a session's metadata into the new store; nil if it has expired.
func (r *recovery) bringMeta(id ID, v *version) (*storedMeta, error) {
	_, sealed, err := r.wreck.At(v.Ref)
	if err != nil {
		return nil, nil // the disk gave it a moment ago, and does not any more
	}
	m, err := parseMeta(id, sealed)
	if err != nil {
		return nil, nil
	}
	if err := r.takeMeta(id, m, sealed); err != nil || m.Expired(r.now) {
		return nil, err
	}
	// With a list of the free pages, what is on another page and below none is the last commit's.
	if v.Reach != boltfile.Orphan || !r.wreck.FreeKnown() {
		r.report.Older++
		if !v.alive {
			r.report.Unconfirmed++
		}
	}
	return m, nil
}

// pick returns the record of a component to take, nil for none: what the last commit's tree has,
// or what stands beside the metadata, so is of the same time, or what the commit before has, or
// what all other copies agree on. Between those that differ nobody can tell which is newest.
func (r *recovery) pick(refs []boltfile.Ref, beside boltfile.Ref) (sealed []byte) {
	rank := func(ref boltfile.Ref) int {
		switch {
		case ref.Reach == boltfile.Current:
			return 0
		case ref.Page == beside.Page:
			return 1
		case ref.Reach == boltfile.Previous:
			return 2
		}
		return 3
	}
	refs = slices.Clone(refs)
	slices.SortStableFunc(refs, func(a, b boltfile.Ref) int { return cmp.Compare(rank(a), rank(b)) })
	for _, ref := range refs {
		_, copied, err := r.wreck.At(ref)
		switch {
		case err != nil:
			continue
		case sealed == nil:
			sealed = bytes.Clone(copied)
		case !bytes.Equal(sealed, copied):
			return nil
		}
		if rank(ref) < 3 {
			break
		}
	}
	return sealed
}
