package statemachine

import (
	"time"

	"github.com/boltsession/session"
)

// retiredFor is how long a ProxyStore remembers an ID that was renewed away.
const retiredFor = time.Minute

// proxied is what the ProxyStore of a store should know.
type proxied struct {
	lives   map[session.ID]*live
	retired map[session.ID]time.Time // until when
}

func newProxied() *proxied {
	return &proxied{lives: map[session.ID]*live{}, retired: map[session.ID]time.Time{}}
}

// model is what a store and its ProxyStore should have.
type model struct {
	*stored
	*proxied
	told []ending // sessions of whose end observers have to be told since the last step
}

// acquire returns the live state of a session, held.
func (m *model) acquire(id session.ID) (*live, error) {
	l, now := m.lives[id], time.Now()
	if l == nil || l.dead {
		v := m.last(id)
		if !v.alive(now) {
			delete(m.lives, id) // a dead one made room for the attempt
			return nil, session.ErrNotFound
		}
		l = loaded(id, v)
		l.attached = true
		m.lives[id] = l
	}
	if l.writable() != nil {
		return nil, session.ErrNotFound
	}
	l.holders++
	return l, nil
}

// leave gives up one hold of a state.
func (m *model) leave(l *live) {
	if l.holders--; l.holders == 0 && m.lives[l.id] == l {
		delete(m.lives, l.id)
	}
}

// publish makes a state that is about to be stored the one that Acquire finds.
func (m *model) publish(l *live) {
	if l.attached && m.lives[l.id] == nil && !l.dead {
		m.lives[l.id] = l
	}
}

// endLive ends what Acquire finds.
func (m *model) endLive(id session.ID) {
	if l := m.lives[id]; l != nil {
		l.dead, l.ended = true, true
	}
}

// settle ends the live states of the sessions that ended in the store.
func (m *model) settle() {
	for _, e := range m.ended {
		m.endLive(e.id)
	}
	m.told = append(m.told, m.ended...)
	m.ended = nil
}

// save stores what is dirty of a state.
func (m *model) save(l *live) error {
	switch {
	case l.ended:
		return session.ErrNotFound
	case !l.isNew && !l.dirty():
		return nil
	}
	m.publish(l)
	return l.concluded(m.stored.save(l.id, l.changes()))
}

// destroy ends a state and tells whether it did. byProxy says whether the handle came by way of
// the ProxyStore.
func (m *model) destroy(l *live, byProxy bool) bool {
	if l.ended {
		return false
	}
	was := !l.isNew
	if was {
		m.end(l.id, session.Destroyed)
	}
	if byProxy {
		m.endLive(l.id)
	}
	l.ended = true
	return was
}

// renew moves a state to another ID in the store; all handles on it have ended then.
func (m *model) renew(l *live, to session.ID) error {
	if l.ended {
		return session.ErrNotFound
	}
	err := l.concluded(m.stored.renew(l.id, to, l.changes()))
	if err == nil {
		l.ended = true
	}
	return err
}

// touch touches a state, and the store with it.
func (m *model) touch(l *live) {
	now := time.Now()
	if l.isNew || l.ended || l.meta.Expired(now) || !now.After(l.meta.LastAccess) {
		return
	}
	l.meta.LastAccess = now
	m.stored.touch(l.id, now, max(time.Second, l.meta.MaxAge/10))
}

// reload reads a state anew.
func (m *model) reload(l *live) error {
	switch {
	case l.ended:
		return session.ErrNotFound
	case l.isNew:
		return nil
	}
	v := m.last(l.id)
	if !v.alive(time.Now()) {
		l.ended = true
		return session.ErrNotFound
	}
	for name, p := range l.parts {
		p.reread(v.comps[name])
	}
	l.names = v.names()
	if !l.metaDirty {
		at := later(l.meta.LastAccess, v.meta.LastAccess)
		l.meta = v.meta
		l.meta.LastAccess = at
	}
	return nil
}

// component reads a component of a state unless it has it.
func (m *model) component(l *live, name string) error {
	if l.has(name) {
		l.part(name)
		return nil
	}
	v := m.last(l.id)
	switch {
	case l.ended:
		return session.ErrNotFound
	case !v.alive(time.Now()):
		l.ended = true
		return session.ErrNotFound
	}
	l.part(name).reread(v.comps[name])
	return nil
}
