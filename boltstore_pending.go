package session

import (
	"slices"
	"time"

	"github.com/boltsession/session/internal/record"
)

const (
	// maxPending bounds the memory of what waits to be committed. Beyond it a save is answered
	// when it is committed, as it is without SyncEvery.
	maxPending = 128 << 20
	// pendingCost is the memory of one session that waits, beside its encoded values.
	pendingCost = 512
)

// pendingEntry is what was accepted of one session and is not committed: the session as it will
// be, as far as it is not as in the file. rev and meta are replaced, not modified.
type pendingEntry struct {
	rev   *revision // bodies only: the components that differ from the file
	meta  *storedMeta
	size  int    // encoded values
	birth uint64 // of a new session: tells it from a later one of the same ID
	saves uint64 // counts all saves: tells what was accepted later
}

// accept takes a save into memory, to be committed within SyncEvery. taken is false when the
// save has to go to the committer.
func (b *BoltStore) accept(o *op) (taken bool, err error) {
	if b.mem.bytes.Load()+pendingCost*b.mem.pending.Load() >= b.opts.maxPending {
		b.queue.soonest(&b.queue.flushAt, time.Now())
		return false, nil
	}
	taken, first, err := b.acceptInto(b.mem.of(o.id), o)
	if first {
		b.queue.soonest(&b.queue.flushAt, time.Now().Add(b.opts.SyncEvery))
	}
	return taken, err
}

// acceptInto is accept for a session in the shard s; first says that nothing was pending before.
func (b *BoltStore) acceptInto(s *shard, o *op) (taken, first bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, refused := s.refused[o.id]
	switch why := b.queue.refusal(); {
	case why != nil: // asked with the lock held: Close collects what is pending after it set this
		return true, false, why
	case b.flushFull.Load():
		return true, false, ErrFull
	case s.held[o.id] > 0 || refused:
		return false, false, nil
	}
	next, err := b.acceptedLocked(s, o)
	if err == nil {
		first = b.mem.pendLocked(s, o.id, next)
		b.mem.untouchLocked(s, o.id) // what was touched so far is part of it
	}
	return true, first, err
}

// acceptedLocked returns what a session's entry becomes with a save.
func (b *BoltStore) acceptedLocked(s *shard, o *op) (*pendingEntry, error) {
	owed := b.mem.owedEnds() // as it is while the shard is locked, but for what is in the file
	was, err := b.pendingBaseLocked(s, o.id)
	if err != nil {
		return nil, err
	}
	if was != nil && owed.cover(o.id, was.meta.User) {
		return nil, ErrNotFound
	}
	touch := s.markLocked(o.id)
	alive := was != nil && !touch.over(was.meta.Meta).Expired(o.at)
	switch {
	case alive && o.rev.isNew && !was.meta.sameBirth(o.rev.meta):
		return nil, ErrExists
	case !alive && !o.rev.isNew:
		return nil, ErrNotFound
	case !alive && b.crowded():
		return nil, errCrowded
	case !alive:
		was = &pendingEntry{rev: &revision{isNew: true}, birth: b.mem.saves.Add(1)}
	}
	meta, bodies, err := o.rev.apply(was.touched(touch), func(name string) (record.Map, error) {
		return b.pendingValues(was, o.id, name)
	}, b.opts.MaxComponentSize)
	if err != nil {
		return nil, err
	}
	owed.spare(o.id, &o.rev, false)
	return was.with(meta, bodies, o.at), nil
}

// touched returns the metadata with touches, nil for a session that is just being created. They count
// by the max age that the session has had so far: a save may bring another one.
func (e *pendingEntry) touched(touch touchMark) *storedMeta {
	if e.meta == nil {
		return nil
	}
	meta := *e.meta
	meta.Meta = touch.over(meta.Meta)
	return &meta
}

// pendingBaseLocked returns the session's entry, or one that stands for what is in the file; nil
// when it is in neither.
func (b *BoltStore) pendingBaseLocked(s *shard, id ID) (*pendingEntry, error) {
	if e := s.pending[id]; e != nil {
		return e, nil
	}
	found, err := b.readRecords(id)
	if err != nil || found.meta == nil {
		return nil, err
	}
	meta, err := parseMeta(id, found.meta)
	if err != nil {
		return nil, err
	}
	return &pendingEntry{rev: &revision{}, meta: meta}, nil
}

// pendingValues returns the values of a component of a session with an entry.
func (b *BoltStore) pendingValues(e *pendingEntry, id ID, name string) (record.Map, error) {
	if e.meta == nil {
		return nil, nil // it is just being created
	}
	var r records
	if !e.rev.isNew && !e.hasBody(name) {
		var err error
		if r, err = b.readRecords(id, name); err != nil {
			return nil, err
		}
		if r.meta == nil {
			return nil, ErrNotFound
		}
	}
	c, err := e.values(b.opts.keys, name, id, r.sealed(0, name), e.meta)
	return c.values, err
}

// with returns the entry after a save that was accepted at a time.
func (e *pendingEntry) with(meta *storedMeta, bodies []loadedComponent, at time.Time) *pendingEntry {
	rev := &revision{isNew: e.rev.isNew, meta: &meta.Meta, accepted: at}
	rev.bodies = slices.Clone(e.rev.bodies)
	for _, c := range bodies {
		same := func(old loadedComponent) bool { return old.name == c.name }
		if i := slices.IndexFunc(rev.bodies, same); i >= 0 {
			rev.bodies[i] = c
		} else {
			rev.bodies = append(rev.bodies, c)
		}
	}
	next := &pendingEntry{rev: rev, meta: meta, birth: e.birth}
	for _, c := range rev.bodies {
		next.size += len(c.values)
	}
	return next
}

// pendLocked puts an entry into its shard and says whether it is the first of all.
func (m *memory) pendLocked(s *shard, id ID, e *pendingEntry) (first bool) {
	if old := s.pending[id]; old != nil {
		m.bytes.Add(int64(e.size - old.size))
	} else {
		m.bytes.Add(int64(e.size))
		first = m.pending.Add(1) == 1
	}
	e.saves = m.saves.Add(1)
	s.pending[id] = e
	return first
}

func (m *memory) dropLocked(s *shard, id ID, e *pendingEntry) {
	delete(s.pending, id)
	m.bytes.Add(int64(-e.size))
	m.pending.Add(-1)
}

// committed takes away what is in the file now. A save that was accepted meanwhile stays, and is
// then one of a session that exists.
func (m *memory) committed(id ID, e *pendingEntry) {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.pending[id]
	switch {
	case now == nil:
	case now.saves == e.saves:
		m.dropLocked(s, id, e)
	case now.rev.isNew:
		later, rev := *now, *now.rev
		rev.isNew = false
		later.rev = &rev
		s.pending[id] = &later
	}
}

// purge takes away what is pending of a session that Clear ended, and says whether that was all
// there was of it.
func (m *memory) purge(id ID, before *pendingEntry) (whole bool) {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.pending[id]
	if e == nil || e.rev.isNew && e.birth != before.birth {
		return false
	}
	m.dropLocked(s, id, e)
	return e.rev.isNew
}

// purgeOld takes away all that is pending of sessions that are in the file, but for those that a
// Clear spared.
func (m *memory) purgeOld(owed *owedEnd) {
	for _, id := range m.pendingIDs() {
		if !owed.spares(id) {
			m.abandon(id)
		}
	}
}

// abandon takes away what is pending of a session, unless it is a new one.
func (m *memory) abandon(id ID) {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.pending[id]; e != nil && !e.rev.isNew {
		m.dropLocked(s, id, e)
	}
}

// attach gives a task what memory has of its session, and has the saves of that session wait
// until release.
func (m *memory) attach(id ID, hold bool) (touch touchMark, e *pendingEntry) {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[id] == 0 {
		e = s.pending[id]
	}
	if hold {
		s.held[id]++
	}
	return s.markLocked(id), e
}

// release lets the saves of a session be accepted again.
func (m *memory) release(id ID) {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[id]--; s.held[id] == 0 {
		delete(s.held, id)
	}
}

// revision returns what is pending, nil for no entry.
func (e *pendingEntry) revision() *revision {
	if e == nil {
		return nil
	}
	return e.rev
}

// pendingOf returns all that memory knows of a session.
func (m *memory) pendingOf(id ID) (e *pendingEntry, touch touchMark, refused bool) {
	s := m.of(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, refused = s.refused[id]
	return s.pending[id], s.markLocked(id), refused
}
