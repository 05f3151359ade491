package session

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// shardCount is the number of shards. They are in the order of the IDs in them.
const shardCount = 64

// shard is what memory knows of the sessions whose IDs begin alike: touches that are not stored,
// saves that were accepted and not yet committed, and sessions that ended though their end could
// not be stored. A read holds mu while it looks at the file, so that both agree; the committer
// never takes it while bbolt may have to wait for readers.
type shard struct {
	mu      sync.RWMutex
	touched map[ID]*touchMark // changed in place: a touch is one look-up
	pending map[ID]*pendingEntry
	held    map[ID]int // saves go to the committer while it works on something else of the session
	refused map[ID]Reason
}

// memory is what a store knows beside its file.
type memory struct {
	shards  [shardCount]shard
	touches atomic.Int64  // entries of touched
	pending atomic.Int64  // entries of pending
	bytes   atomic.Int64  // encoded values in pending
	refused atomic.Int64  // entries of refused, and of owed
	saves   atomic.Uint64 // accepted so far

	owedMu sync.Mutex               // held to change owed
	owed   atomic.Pointer[owedEnds] // ends of many that could not be stored; nil for none
}

func newMemory() *memory {
	m := new(memory)
	for i := range m.shards {
		s := &m.shards[i]
		s.touched = make(map[ID]*touchMark)
		s.pending = make(map[ID]*pendingEntry)
		s.held = make(map[ID]int)
		s.refused = make(map[ID]Reason)
	}
	return m
}

// of returns the shard of a session.
func (m *memory) of(id ID) *shard { return &m.shards[id[0]/(256/shardCount)] }

// touch adds a touch, which came at now and moves the last access to at, and says whether it is the
// first since the session's touches were stored.
func (m *memory) touch(id ID, now, at int64) bool {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if mark := s.touched[id]; mark != nil {
		*mark = mark.add(now, at)
		return false
	}
	s.touched[id] = &touchMark{first: now, last: at}
	m.touches.Add(1)
	return true
}

// markLocked returns the touches of a session.
func (s *shard) markLocked(id ID) touchMark {
	if mark := s.touched[id]; mark != nil {
		return *mark
	}
	return touchMark{}
}

// touched returns the touches of a session.
func (m *memory) touched(id ID) touchMark {
	s := m.of(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.markLocked(id)
}

// known returns the touches of a session, and whether it was refused.
func (m *memory) known(id ID) (mark touchMark, refused bool) {
	s := m.of(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, refused = s.refused[id]
	return s.markLocked(id), refused
}

// isRefused says whether a session has ended though its end could not be stored.
func (m *memory) isRefused(id ID) bool {
	if m.refused.Load() == 0 {
		return false
	}
	_, refused := m.known(id)
	return refused
}

// stored takes away the touches that the file has now. Those that came meanwhile stay.
func (m *memory) stored(id ID, mark touchMark) {
	if mark.last == 0 {
		return
	}
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.touched[id]
	switch {
	case now == nil:
	case now.last <= mark.last:
		delete(s.touched, id)
		m.touches.Add(-1)
	default:
		now.first, now.gap = mark.last, min(now.gap, time.Duration(now.last-mark.last))
	}
}

// untouchLocked drops touches: of a session that ended, as a new one of its ID begins, or those that
// an accepted save has in it.
func (m *memory) untouchLocked(s *shard, id ID) {
	if _, ok := s.touched[id]; ok {
		delete(s.touched, id)
		m.touches.Add(-1)
	}
}

// moved carries the touches of a session over to its new ID.
func (m *memory) moved(from, to ID) {
	s := m.of(from)
	s.mu.Lock()
	mark := s.markLocked(from)
	m.untouchLocked(s, from)
	s.mu.Unlock()
	if mark.last == 0 {
		return
	}
	s = m.of(to)
	s.mu.Lock()
	defer s.mu.Unlock()
	mark = mark.join(s.markLocked(to))
	m.untouchLocked(s, to)
	s.touched[to] = &mark
	m.touches.Add(1)
}

// refuse makes a session unreadable and has its end tried again.
func (m *memory) refuse(id ID, reason Reason) {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.refused[id]; !ok {
		m.refused.Add(1)
	}
	s.refused[id] = reason
}

// forget removes all that is known of a session that has ended.
func (m *memory) forget(id ID) {
	s := m.of(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	m.untouchLocked(s, id)
	if _, ok := s.refused[id]; ok {
		delete(s.refused, id)
		m.refused.Add(-1)
	}
	if e := s.pending[id]; e != nil {
		m.dropLocked(s, id, e)
	}
}

// refusals returns up to n sessions whose end is still to be stored.
func (m *memory) refusals(n int) (ends []ending) {
	if m.refused.Load() == 0 {
		return nil
	}
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.RLock()
		for id, reason := range s.refused {
			ends = append(ends, ending{id, reason})
		}
		s.mu.RUnlock()
		if len(ends) >= n {
			return ends[:n]
		}
	}
	return ends
}

// touchedIDs returns the sessions with touches to store, in the order of their IDs. Those with
// pending saves are left out: they are stored along with these.
func (m *memory) touchedIDs() []ID {
	return m.collect(func(s *shard, ids []ID) []ID {
		for id := range s.touched {
			if s.pending[id] == nil {
				ids = append(ids, id)
			}
		}
		return ids
	})
}

// pendingIDs returns the sessions with pending saves, in the order of their IDs.
func (m *memory) pendingIDs() []ID {
	return m.collect(func(s *shard, ids []ID) []ID {
		for id := range s.pending {
			ids = append(ids, id)
		}
		return ids
	})
}

func (m *memory) collect(of func(*shard, []ID) []ID) (ids []ID) {
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.RLock()
		from := len(ids)
		ids = of(s, ids)
		s.mu.RUnlock()
		slices.SortFunc(ids[from:], compareIDs)
	}
	return ids
}

func compareIDs(a, b ID) int { return bytes.Compare(a[:], b[:]) }
