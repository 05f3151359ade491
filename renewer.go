package session

import "context"

// moveStored moves the session that from has to the ID to, in one step if the store knows how to.
// Otherwise there are two copies for a moment, of which nobody has the token of one.
func moveStored(ctx context.Context, store Store, from *live, to ID) error {
	s := newHandle(store, from, nil)
	if r, ok := As[Renewer](store); ok {
		return r.Renew(ctx, s, to)
	}
	next, err := copyStored(ctx, store, s, to)
	if err != nil {
		return err
	}
	if err = store.Save(ctx, next); err == nil {
		err = store.Destroy(ctx, from.id)
	}
	if err != nil {
		store.Destroy(ctx, to) // best effort: what is left of it expires
	}
	return err
}

// copyStored returns a new session under the ID to with all that is stored of s, and its changes.
func copyStored(ctx context.Context, store Store, s *Session, to ID) (*Session, error) {
	copied, err := store.Get(ctx, s.ID(), s.Components()...)
	if err != nil {
		return nil, err
	}
	ch := s.Changes()
	stored := copied.state.Load()
	next := newLive(to, stored.meta)
	next.keep, next.gen = true, 1
	if ch.Meta != nil {
		next.meta = *ch.Meta
	}
	stored.eachLocked(func(name string, p *part) { next.partLocked(name).takeOver(p, ch.Components[name]) })
	for name, c := range ch.Components {
		if _, ok := next.named[name]; name != "" && !ok {
			next.partLocked(name).takeOver(&part{}, c)
		}
	}
	return newHandle(store, next, nil), nil
}

// takeOver makes p hold what from has with changes on top, all of it dirty.
func (p *part) takeOver(from *part, ch ComponentChanges) {
	if !ch.Clear {
		for key, value := range from.stored.All() {
			p.put(key, value, 1)
		}
	}
	for _, key := range ch.Removed {
		p.put(key, nil, 1)
	}
	for key, value := range ch.Set {
		p.put(key, value, 1)
	}
}

// renewTo is what the Renew of a store of this package does; commit stores changes under the new
// ID.
func (s *Session) renewTo(ctx context.Context, commit func(Changes) error) error {
	l, err := s.lockState(ctx)
	if err != nil {
		return err
	}
	defer s.unlockState(l)
	l.mu.Lock()
	reason, ch := l.reason, l.changesLocked()
	l.mu.Unlock()
	if reason != 0 {
		return ErrNotFound
	}
	err = s.afterSave(l, ch, commit(ch))
	if err == nil {
		l.end(Renewed)
	}
	return err
}
