package session

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/boltsession/session/internal/record"
)

// live is the one state behind all handles of a session: of the requests that use it now,
// when a ProxyStore made it, or of a single detached copy.
type live struct {
	id ID

	attached bool // a ProxyStore's: every handle in the process shares it

	// Of a ProxyStore's entry; guarded by its mu.
	holders int  // handles and operations that need the entry to stay
	dead    bool // ended or failed to load: the next Acquire starts afresh

	ready   chan struct{} // closed when the first load is over; nil when there was none
	loadErr error         // set before ready is closed

	mu      sync.Mutex
	saving  chan struct{} // made by the first to save; holds one token while the session is saved, loaded from or moved
	meta    Meta
	metaGen uint64 // generation of a change of meta that is not stored; 0 for none
	isNew   bool   // the right to create it is not used up
	keep    bool   // to be stored even when empty
	gen     uint64 // counts changes; never goes back
	global  part
	named   map[string]*part // the loaded ones
	stored  []string         // names of the components that the store had
	owner   string           // the user whose it is in the store
	reason  Reason           // why it ended; 0 while it lives
	done    chan struct{}    // made by the first Done
	moving  chan struct{}    // while a move is under way; writes wait for it to be closed
	mover   *Session         // the handle that moves
}

// newLive returns the state of a session that is not stored.
func newLive(id ID, meta Meta) *live {
	return &live{id: id, meta: meta, isNew: true}
}

// newMeta returns the metadata of a session that begins now.
func newMeta(now time.Time, maxAge, lifetime time.Duration) Meta {
	now = now.Round(0).UTC() // the wall clock: ages outlive the process
	salt := make([]byte, 16)
	rand.Read(salt)
	return Meta{Created: now, LastAccess: now, End: now.Add(lifetime), MaxAge: maxAge, Salt: salt}
}

// loadedComponent is a component as a store of this package read it.
type loadedComponent struct {
	name   string
	values record.Map
}

// fill installs what a store read into a state that nobody else sees yet.
func (l *live) fill(meta Meta, stored []string, loaded []loadedComponent) {
	l.meta, l.stored, l.owner, l.isNew = meta, stored, meta.User, false
	for _, c := range loaded {
		l.partLocked(c.name).rebase(c.values, l.gen)
	}
}

// adopt takes over what a detached copy of the same session holds.
func (l *live) adopt(from *live) {
	l.meta, l.stored, l.owner, l.isNew = from.meta, from.stored, from.owner, from.isNew
	l.global, l.named, l.gen = from.global, from.named, from.gen
}

// copyLocked returns a detached copy of l under an ID. They share encoded values only.
func (l *live) copyLocked(id ID) *live {
	c := newLive(id, l.meta)
	c.metaGen, c.isNew, c.keep, c.gen, c.stored, c.owner = l.metaGen, l.isNew, l.keep, l.gen, l.stored, l.owner
	l.eachLocked(func(name string, p *part) { *c.partLocked(name) = p.clone() })
	return c
}

// partLocked returns the part of a component, an empty one at first.
func (l *live) partLocked(name string) *part {
	if name == "" {
		return &l.global
	}
	p := l.named[name]
	if p == nil {
		if l.named == nil {
			l.named = make(map[string]*part)
		}
		p = &part{baseGen: l.gen}
		l.named[name] = p
	}
	return p
}

// eachLocked calls f for the global part and the loaded ones.
func (l *live) eachLocked(f func(name string, p *part)) {
	f("", &l.global)
	for name, p := range l.named {
		f(name, p)
	}
}

// nextLocked returns the generation of a change about to be made.
func (l *live) nextLocked() uint64 {
	l.gen++
	return l.gen
}

// dirtyLocked says whether anything changed since it was stored.
func (l *live) dirtyLocked() bool {
	dirty := l.metaGen != 0 || l.keep && l.isNew
	l.eachLocked(func(_ string, p *part) { dirty = dirty || p.dirty() })
	return dirty
}

// worthLocked says whether a new session has anything that makes it worth storing.
func (l *live) worthLocked() bool {
	worth := l.keep || l.meta.User != ""
	l.eachLocked(func(_ string, p *part) { worth = worth || p.size > 0 })
	return worth
}

// changesLocked takes a snapshot of what is to be stored.
func (l *live) changesLocked() Changes {
	ch := Changes{ID: l.id, New: l.isNew, seq: l.gen}
	if l.isNew || l.metaGen != 0 {
		meta := l.meta
		ch.Meta = &meta
	}
	l.eachLocked(func(name string, p *part) {
		if !p.dirty() {
			return
		}
		if ch.Components == nil {
			ch.Components = make(map[string]ComponentChanges, 1)
		}
		ch.Components[name] = p.changes()
	})
	return ch
}

// savedLocked makes clean what ch has, unless it changed again since.
func (l *live) savedLocked(ch Changes) {
	l.isNew = false
	if ch.Meta != nil {
		l.owner = ch.Meta.User
	}
	if l.metaGen <= ch.seq {
		l.metaGen = 0
	}
	l.eachLocked(func(_ string, p *part) { p.saved(ch.seq) })
}

// endLocked ends the session for all its handles.
func (l *live) endLocked(reason Reason) {
	if l.reason != 0 {
		return
	}
	l.reason = reason
	if l.done != nil {
		close(l.done)
	}
}

// end ends the session for all its handles.
func (l *live) end(reason Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endLocked(reason)
}

// freeze has the writes of all handles wait until the move by s is over: those before it move
// along with the session or end with it, those after it belong to s or have nowhere to go.
func (l *live) freeze(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moving, l.mover = make(chan struct{}), s
}

// thaw lets the writes go on that wait for a move.
func (l *live) thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.moving)
	l.moving, l.mover = nil, nil
}

// namesLocked returns the names of the components that hold anything, but for the global one.
func (l *live) namesLocked() []string {
	var names []string
	for _, name := range l.stored {
		if _, loaded := l.named[name]; !loaded {
			names = append(names, name)
		}
	}
	for name, p := range l.named {
		if p.size > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// lock takes the right to save, honouring ctx while it waits.
func (l *live) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case l.turn() <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *live) unlock() { <-l.turn() }

// turn returns the channel that holds the right to save. Most requests only read and need none.
func (l *live) turn() chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.saving == nil {
		l.saving = make(chan struct{}, 1)
	}
	return l.saving
}
