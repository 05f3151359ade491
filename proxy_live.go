package session

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// Acquire returns a handle on the live session under id, for a request or a background job.
// The caller calls release when done with it, and saves before: changes that nobody saved are
// discarded, and logged, when the last holder releases. It returns ErrNotFound when there is no
// such session or it has ended.
func (p *ProxyStore) Acquire(ctx context.Context, id ID) (s *Session, release func(), err error) {
	s, err = p.acquire(ctx, id, nil)
	if err != nil {
		return nil, nil, err
	}
	return s, s.release, nil
}

// acquire is Acquire for the handle of a request.
func (p *ProxyStore) acquire(ctx context.Context, id ID, b binding) (s *Session, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	store, err := p.Store()
	if err != nil {
		return nil, err
	}
	l, mine := p.enter(id)
	defer func() {
		if s == nil { // an error, or a panic of the store's
			p.leave(l)
		}
	}()
	if mine {
		p.load(ctx, store, l)
	} else if err := l.wait(ctx); err != nil {
		return nil, err
	}
	if err := l.check(time.Now()); err != nil {
		return nil, err
	}
	return newHandle(p, l, b), nil
}

// begin returns a handle on a new session of a request. Nobody else knows its ID before it is
// saved, and is then entered into the map.
func (p *ProxyStore) begin(id ID, meta Meta, b binding) *Session {
	l := newLive(id, meta)
	l.attached, l.holders = true, 1
	return newHandle(p, l, b)
}

// enter returns the entry of id, held, and whether the caller has to load it. The placeholder is
// in the map before the store is read, so that a second caller waits for the same state and an
// end that comes meanwhile finds it.
func (p *ProxyStore) enter(id ID) (l *live, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.live[id]; l != nil && !l.dead {
		l.holders++
		return l, false
	}
	l = newLive(id, Meta{})
	l.attached, l.holders, l.ready = true, 1, make(chan struct{})
	p.live[id] = l
	return l, true
}

// errLoad is what those who wait see if the store panics while it loads.
var errLoad = errors.New("session: loading the session did not end")

// load reads the session into its placeholder. The client that happens to come first may go
// away: that is no failure of the others' request.
func (p *ProxyStore) load(ctx context.Context, store Store, l *live) {
	l.loadErr = errLoad
	defer func() {
		if l.loadErr != nil {
			p.mu.Lock()
			l.dead = true
			p.mu.Unlock()
		}
		close(l.ready)
	}()
	if err := l.get(ctx, store); err != nil {
		l.loadErr = err
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if r, ok := As[refuser](store); ok && r.refuses(l.id, l.owner) {
		l.loadErr = ErrNotFound // since it was read; from now on endCovered finds it
		return
	}
	l.loadErr = nil
}

// get reads the session from its store. A BoltStore, which most have, is not asked for a session of
// its own to be copied from; one that is embedded in another store may have another Get, and is.
func (l *live) get(ctx context.Context, store Store) error {
	if b, ok := store.(*BoltStore); ok {
		return b.getInto(context.Background(), l)
	}
	s, err := store.Get(context.WithoutCancel(ctx), l.id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.adopt(s.state.Load())
	return nil
}

// wait waits until the first load is over.
func (l *live) wait(ctx context.Context) error {
	if l.ready == nil {
		return nil
	}
	select {
	case <-l.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// check says whether the state can be handed out at now.
func (l *live) check(now time.Time) error {
	if l.loadErr != nil {
		return l.loadErr
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason == 0 && l.meta.Expired(now) {
		l.endLocked(Expired)
	}
	if l.reason != 0 {
		return ErrNotFound
	}
	return nil
}

// find returns the entry of id, held, or nil when there is none that lives.
func (p *ProxyStore) find(id ID) *live {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.live[id]
	if l == nil || l.dead {
		return nil
	}
	l.holders++
	return l
}

// hold holds a state for one more operation of a handle that holds it already.
func (p *ProxyStore) hold(l *live) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.holders++
}

// publish puts a held state into the map, a new one before it is first stored: from then on others
// may ask for its ID.
func (p *ProxyStore) publish(l *live) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.live[l.id]; !ok && !l.dead {
		p.live[l.id] = l
	}
}

// leave gives up one hold of an entry and tells whether it was the last. The last takes the
// entry away: no holder is left, and neither a save nor a load, as both hold it.
func (p *ProxyStore) leave(l *live) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.holders--
	if l.holders > 0 {
		return false
	}
	if p.live[l.id] == l {
		delete(p.live, l.id)
	}
	return true
}

// end ends the live session under id, a placeholder too.
func (p *ProxyStore) end(id ID, reason Reason) {
	p.mu.Lock()
	l := p.live[id]
	if l != nil {
		l.dead = true
	}
	p.mu.Unlock()
	if l != nil {
		l.end(reason)
	}
}

// endCovered ends the live sessions that a store has ended without a list of them. One that is
// about to become the user's has ended as well: the store may have it already.
func (p *ProxyStore) endCovered(reason Reason, covers func(id ID, user string) bool) {
	ids := p.liveIDs(func(l *live) bool {
		return !l.isNew && (covers(l.id, l.owner) || covers(l.id, l.meta.User))
	})
	for _, id := range ids {
		p.end(id, reason)
	}
}

// lost says that changes were not saved.
func (p *ProxyStore) lost(s *Session, id ID) {
	if s.bound != nil {
		s.bound.discarded(id.Short())
		return
	}
	p.log.Warn("session: changes discarded, nobody saved them", "session", id.Short())
}

// lives returns how many sessions are in use.
func (p *ProxyStore) lives() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.live)
}

// liveIDs returns the IDs of the sessions in use that match. No state is locked under the map's
// lock: elsewhere it is the other way round.
func (p *ProxyStore) liveIDs(match func(*live) bool) (ids []ID) {
	p.mu.Lock()
	all := slices.Collect(maps.Values(p.live))
	p.mu.Unlock()
	for _, l := range all {
		l.mu.Lock()
		if match(l) {
			ids = append(ids, l.id)
		}
		l.mu.Unlock()
	}
	return ids
}
