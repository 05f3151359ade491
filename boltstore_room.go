package session

import (
	"fmt"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	bolt "go.etcd.io/bbolt"
)

// errNoRoom is ErrFull for what would take the room that is kept for ends.
var errNoRoom = fmt.Errorf("%w (what is left is kept for ending sessions)", ErrFull)

// bbolt writes each page that changes to another place, so that a delete needs pages before it
// frees any. A store that is full to the last page could be neither logged out of nor reaped. So
// some pages are kept for that: saves leave them alone.
const (
	leastReserve = 24 // pages: the end of a session with a few components, and a reaping of one
	mostReserve  = 256 << 10
)

// reserve returns how many bytes are kept for ends.
func reserve(maxSize, page int64) int64 {
	return max(leastReserve*page, min(maxSize/256, mostReserve))
}

// room is what a transaction may write.
type room struct {
	page  int64
	left  int64                      // bytes, those kept for ends not counted
	more  func(int64) (int64, error) // finds room for some bytes, and returns how much it found
	begun bool                       // the paths to what changes are paid for
	err   error                      // why the transaction cannot go on
}

// pathPages is how many pages a transaction changes beside those that its records are on: the
// roots of the buckets, and what is between.
const pathPages = 8

// roomOf returns the room of a transaction.
func (b *BoltStore) roomOf(tx *bolt.Tx) *room {
	page := int64(tx.DB().Info().PageSize)
	used, end := tx.Size()+page, fileEnd(b.opts.MaxSize)
	size := max(b.file.Extent(), used)
	r := &room{page: page, left: min(size, end) - used + b.stats.free.Load() - reserve(b.opts.MaxSize, page)}
	r.more = func(need int64) (int64, error) {
		for _, step := range []int64{max(need, int64(growStep(b.opts.MaxSize))), need} {
			to := min(size+step, end)
			if to <= size {
				return 0, nil
			}
			err := b.file.Extend(used, to)
			if err == nil {
				found := to - size
				size = to
				return found, nil
			}
			if boltfile.IsUncertain(err) {
				return 0, &commitError{err}
			}
		}
		return 0, nil
	}
	return r
}

// take takes the room that edits need. It says false when there is none but what is kept for ends,
// and takes that only for these.
func (r *room) take(edits []edit, ends bool) bool {
	cost := r.cost(edits)
	if cost == 0 {
		return true
	}
	if cost > r.left && r.err == nil {
		var found int64
		found, r.err = r.more((cost - r.left + r.page - 1) / r.page * r.page)
		r.left += found
	}
	if cost > r.left && !ends {
		return false
	}
	r.left -= cost
	r.begun = true
	return true
}

// cost returns how many bytes edits may take: a page each, and more for what does not fit one.
func (r *room) cost(edits []edit) (bytes int64) {
	if len(edits) == 0 {
		return 0
	}
	if !r.begun {
		bytes = pathPages * r.page
	}
	for _, e := range edits {
		bytes += (1 + int64(len(e.value))/r.page) * r.page
	}
	return bytes
}

// afford says errNoRoom if an op that is planned would take what is kept for ends, or what is
// wrong with it otherwise.
func (a *applier) afford(o *op, ends bool, problem error) error {
	if problem != nil || a.room == nil {
		return problem
	}
	if !a.room.take(a.edits, ends || !o.grows()) {
		return errNoRoom
	}
	return nil
}

// grows says whether the op may make the file larger.
func (o *op) grows() bool {
	switch o.kind {
	case opSave, opRenew, opTouch, opRekey:
		return true
	}
	return false
}

// roomless divides a committed group into the tasks that are done and those that found no room beside
// the others. Alone they may find some: the pages that the group left behind are free by then.
func roomless(group []*task) (done, rest []*task) {
	for _, t := range group {
		if t.roomless {
			rest = append(rest, t)
		} else {
			done = append(done, t)
		}
	}
	return done, rest
}

// outlived drops an accepted new session that has expired, as it may have while it waited for room:
// storing it would take some, and only the reaper would ever find it.
func (c *committer) outlived(id ID, now time.Time) bool {
	b := c.store
	if !b.mem.dropExpired(id, now) {
		return false
	}
	b.stats.ended.Add(1)
	if n := b.observers.publish(ending{id, Expired}); n != nil {
		b.telling.Go(func() { b.observers.tell(n) })
	}
	return true
}

// dropExpired forgets a session that is in memory only, if it has expired.
func (m *memory) dropExpired(id ID, now time.Time) bool {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.pending[id]
	if e == nil || !e.rev.isNew || s.held[id] > 0 || !s.markLocked(id).over(e.meta.Meta).Expired(now) {
		return false
	}
	m.dropLocked(s, id, e)
	m.untouchLocked(s, id)
	return true
}
