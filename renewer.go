package session

import "context"

// moveStored moves the session in its store, in one step if the store knows how to.
func moveStored(ctx context.Context, store Store, s *Session, l *live, to ID) error {
	if r, ok := As[Renewer](store); ok {
		return r.Renew(ctx, s, to)
	}
	ch := s.Changes()
	copied, err := store.Get(ctx, l.id, s.Components()...)
	if err != nil {
		return err
	}
	from := copied.state.Load()
	from.mu.Lock()
	next := newLive(to, from.meta)
	next.keep, next.gen = true, 1
	if ch.Meta != nil {
		next.meta = *ch.Meta
	}
	from.eachLocked(func(name string, p *part) { next.partLocked(name).takeOver(p, ch.Components[name]) })
	from.mu.Unlock()
	for name, c := range ch.Components {
		if _, ok := next.named[name]; name != "" && !ok {
			next.partLocked(name).takeOver(&part{}, c)
		}
	}
	if err := store.Save(ctx, newHandle(store, next, nil)); err != nil {
		return err
	}
	s.Saved(ch)
	return store.Destroy(ctx, l.id)
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
