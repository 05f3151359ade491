package statemachine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/boltsession/session"
)

// values are what a component holds.
type values map[string]string

// size returns how many bytes the values take, encoded without their head.
func (v values) size() (n int) {
	for key, value := range v {
		n += textSize(key) + textSize(value)
	}
	return n
}

// textSize is the size of a short text in CBOR.
func textSize(s string) int {
	if len(s) < 24 {
		return 1 + len(s)
	}
	return 2 + len(s)
}

// version is what a store has of a session after some change.
type version struct {
	sure  time.Time // when a crash must not lose it any more
	none  bool      // there is no such session
	meta  session.Meta
	comps map[string]values // that hold anything
}

// String describes the version in messages. Bubbles begin at the beginning of the year 2000.
func (v version) String() string {
	if v.none {
		return "nothing"
	}
	const layout = "2 15:04:05.000"
	return fmt.Sprintf("{begun %s, used %s for %v, until %s, of %q, %v}", v.meta.Created.UTC().Format(layout),
		v.meta.LastAccess.UTC().Format(layout), v.meta.MaxAge, v.meta.End.UTC().Format(layout), v.meta.User, v.comps)
}

// expired says whether there is a session that has expired.
func (v version) expired(now time.Time) bool { return !v.none && v.meta.Expired(now) }

// alive says whether there is a session that has not.
func (v version) alive(now time.Time) bool { return !v.none && !v.meta.Expired(now) }

// same says whether both look the same to whoever gets them.
func (v version) same(w version) bool {
	return v.none == w.none && sameMeta(v.meta, w.meta) && maps.EqualFunc(v.comps, w.comps, maps.Equal)
}

// sameMeta compares what a session shows of its metadata.
func sameMeta(m, n session.Meta) bool {
	return m.Created.Equal(n.Created) && m.LastAccess.Equal(n.LastAccess) && m.End.Equal(n.End) &&
		m.MaxAge == n.MaxAge && m.User == n.User
}

// names returns the names of the components that hold anything, but for the global one.
func (v version) names() (names []string) {
	for name := range v.comps {
		if name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// stored is what a store should have. Of each session it keeps the versions that a crash may go
// back to; the last one counts. What has expired is there until it is reaped.
type stored struct {
	sessions      map[session.ID][]version
	limit         int // bytes of a component
	saveLag       time.Duration
	touchInterval time.Duration
	ended         []ending // of which the ProxyStore has to be told
}

// ending is a session that ended.
type ending struct {
	id     session.ID
	reason session.Reason
}

// last returns what the store has under id.
func (s *stored) last(id session.ID) version {
	all := s.sessions[id]
	if len(all) == 0 {
		return version{none: true}
	}
	return all[len(all)-1]
}

// add makes v what the store has, which is sure to be on disk at some time. What is not sure by
// then, and was before, is so too: it is stored along with v.
func (s *stored) add(id session.ID, v version, sure time.Time) {
	v.sure = sure
	all := s.sessions[id]
	if len(all) == 0 {
		all = []version{{none: true}}
	}
	if !sure.After(time.Now()) {
		all = nil
	}
	s.sessions[id] = append(all, v)
}

// drained makes sure of all saves so far, and of the touches before them.
func (s *stored) drained() {
	for id, all := range s.sessions {
		for i, v := range all {
			if i > 0 && (v.none != all[i-1].none || !s.onlyTouched(all[i-1], v)) {
				s.makeSure(id, i)
			}
		}
	}
}

// onlyTouched says whether nothing but the last access moved from v to w.
func (s *stored) onlyTouched(v, w version) bool {
	v.meta.LastAccess = w.meta.LastAccess
	return v.same(w)
}

// makeSure makes sure of the versions up to the n-th.
func (s *stored) makeSure(id session.ID, n int) {
	for i := range s.sessions[id][:n+1] {
		s.sessions[id][i].sure = time.Time{}
	}
}

// save merges changes into what is stored; see session.Changes.
func (s *stored) save(id session.ID, ch changes) error {
	next, err := s.merged(id, ch)
	if err == nil {
		s.add(id, next, time.Now().Add(s.saveLag))
	}
	return err
}

// merged returns what a save makes of the session.
func (s *stored) merged(id session.ID, ch changes) (next version, err error) {
	was, now := s.last(id), time.Now()
	switch {
	case ch.isNew && was.alive(now):
		return next, session.ErrExists
	case !ch.isNew && !was.alive(now):
		return next, session.ErrNotFound
	case ch.isNew:
		next.meta = *ch.meta
	default:
		next.meta = was.meta
		next.comps = maps.Clone(was.comps)
		if ch.meta != nil {
			next.meta.User, next.meta.MaxAge = ch.meta.User, ch.meta.MaxAge
			next.meta.LastAccess = later(next.meta.LastAccess, ch.meta.LastAccess)
		}
	}
	if next.comps == nil {
		next.comps = map[string]values{}
	}
	for name, p := range ch.parts {
		after := p.over(next.comps[name])
		if next.comps[name] = after; len(after) == 0 {
			delete(next.comps, name)
		}
		if after.size()+1 > s.limit { // of this few pairs the head is one byte
			return next, session.ErrTooLarge
		}
	}
	return next, nil
}

func later(t, u time.Time) time.Time {
	if u.After(t) {
		return u
	}
	return t
}

// renew merges changes and moves the session.
func (s *stored) renew(id, to session.ID, ch changes) error {
	next, err := s.merged(id, ch)
	if err != nil && err != session.ErrTooLarge {
		return err
	}
	if id == to || s.last(to).alive(time.Now()) {
		return session.ErrExists
	}
	if err != nil {
		return err
	}
	if !ch.isNew {
		s.ended = append(s.ended, ending{id, session.Renewed})
	}
	s.drop(id)
	s.add(to, next, time.Time{})
	return nil
}

// touch moves the last access to at. It is on disk within a time, or along with a save that is
// accepted until then.
func (s *stored) touch(id session.ID, at time.Time, within time.Duration) {
	v, now := s.last(id), time.Now()
	if !v.alive(now) || !at.After(v.meta.LastAccess) {
		return
	}
	v.meta.LastAccess = at
	s.add(id, v, now.Add(max(1, min(within, s.touchInterval))+s.saveLag))
}

// end ends what is under id, expired or not.
func (s *stored) end(id session.ID, reason session.Reason) {
	if !s.last(id).none {
		s.ended = append(s.ended, ending{id, reason})
		s.drop(id)
	}
}

// drop takes away what is under id, also from what a crash may go back to.
func (s *stored) drop(id session.ID) { delete(s.sessions, id) }

// endWhere ends the sessions that match and returns how many had not expired.
func (s *stored) endWhere(reason session.Reason, match func(session.ID, version) bool) (alive int) {
	s.drained()
	now := time.Now()
	for id := range s.sessions {
		v := s.last(id)
		if v.none || !match(id, v) {
			continue
		}
		if v.alive(now) {
			alive++
		}
		s.end(id, reason)
	}
	return alive
}

// count counts the sessions that match.
func (s *stored) count(match func(version) bool) (n int) {
	for id := range s.sessions {
		if v := s.last(id); !v.none && match(v) {
			n++
		}
	}
	return n
}
