package session

import (
	"context"
	"errors"
)

// changeStore is a store of this package, which takes changes without a session around them.
type changeStore interface {
	Store
	commit(ctx context.Context, ch Changes) error
	usable(ctx context.Context) error // ErrClosed once it is closed, or a done ctx's error
	proxy() *ProxyStore               // the one of the store
}

// ownStore returns store as one of this package. A type that embeds one is not: what it does in
// its own way must not be passed over by methods that it only inherits.
func ownStore(store Store) (changeStore, bool) {
	switch s := store.(type) {
	case *BoltStore:
		return s, true
	case *MemoryStore:
		return s, true
	}
	return nil, false
}

// inner returns the store that a ProxyStore stands for, or the store itself.
func inner(store Store) (Store, error) {
	if p, ok := store.(*ProxyStore); ok {
		return p.Store()
	}
	return store, nil
}

// Save stores what is dirty. It returns nil once all that was dirty at the call is stored, by
// this call or by another one; changes made meanwhile are left to the next. Of a request's
// session that is new, Save stores nothing until something was set. The errors: ErrNotFound
// when the session has ended, ErrReleased when the request has, ErrHeadersSent for a new
// session whose token cannot be sent any more, ErrFull and a done ctx when nothing was stored
// and the changes are still dirty, ErrUncertain when that is not known.
func (s *Session) Save(ctx context.Context) error { return s.saveIn(ctx, s.store) }

// saveIn saves to any store: a ProxyStore's, one of this package, or one with a Save of its own.
func (s *Session) saveIn(ctx context.Context, store Store) error {
	store, err := inner(store)
	if err != nil {
		return err
	}
	l, err := s.lockState(ctx)
	if err != nil {
		return err
	}
	defer s.unlockState(l)
	return s.saveLocked(ctx, l, store)
}

// saveTo is what the Save of a store of this package does.
func (s *Session) saveTo(ctx context.Context, store changeStore) error { return s.saveIn(ctx, store) }

// lockState returns the handle's state with the right to save it: one save of a session is under
// way at a time, so that the last change of a key is also the last to be stored. The state stays
// with the ProxyStore until unlockState, even if the handle is released meanwhile.
func (s *Session) lockState(ctx context.Context) (*live, error) {
	for {
		l, err := s.hold()
		if err != nil {
			return nil, err
		}
		if err := l.lock(ctx); err != nil {
			s.leave(l)
			return nil, err
		}
		if s.state.Load() == l {
			return l, nil
		}
		s.unlockState(l) // moved while we waited
	}
}

func (s *Session) unlockState(l *live) {
	l.unlock()
	s.leave(l)
}

// hold returns the handle's state, held for an operation.
func (s *Session) hold() (*live, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return nil, ErrReleased
	}
	l := s.state.Load()
	if l.attached {
		s.store.(*ProxyStore).hold(l)
	}
	return l, nil
}

// saveLocked stores what is dirty; the caller has the right to save.
func (s *Session) saveLocked(ctx context.Context, l *live, store Store) (err error) {
	own, isOwn := ownStore(store)
	l.mu.Lock()
	if save, err := s.toSaveLocked(l); err != nil || !save {
		l.mu.Unlock()
		if err == nil && isOwn {
			err = own.usable(ctx) // nothing is stored by a closed store, nothing to store or not
		}
		return err
	}
	snapshot := l
	if !isOwn {
		snapshot = l.copyLocked(l.id) // which has locks of its own: any Save can take it
	}
	ch := snapshot.changesLocked()
	l.mu.Unlock()

	if l.attached {
		s.store.(*ProxyStore).publish(l)
	}
	err = ErrUncertain // what a store leaves behind that panics
	defer func() { err = s.afterSave(l, ch, err) }()
	if isOwn {
		return own.commit(ctx, ch)
	}
	return store.Save(ctx, newHandle(store, snapshot, nil))
}

// toSaveLocked says whether there is anything to store.
func (s *Session) toSaveLocked(l *live) (bool, error) {
	switch {
	case l.reason != 0:
		return false, ErrNotFound
	case l.isNew && s.bound != nil:
		if !l.worthLocked() {
			return false, nil
		}
		return true, s.bound.canCreate(&l.meta)
	}
	return l.isNew || l.dirtyLocked(), nil
}

// afterSave draws the conclusions from a save's outcome and returns it.
func (s *Session) afterSave(l *live, ch Changes, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.savedLocked(ch)
	case errors.Is(err, ErrNotFound):
		l.endLocked(Destroyed) // from elsewhere, and nobody told us
	case errors.Is(err, ErrUncertain):
		// It may have been created: to create it again could bring an ended session back.
		l.isNew = false
	}
	return err
}

// Reload reads the session anew from the store, with the components it has. Dirty keys stay as
// they were set. It returns ErrNotFound when the session has ended.
func (s *Session) Reload(ctx context.Context) error {
	l, err := s.lockState(ctx)
	if err != nil {
		return err
	}
	defer s.unlockState(l) // no commit of ours can overtake the read
	var names []string
	l.mu.Lock()
	isNew, reason := l.isNew, l.reason
	for name := range l.named {
		names = append(names, name)
	}
	l.mu.Unlock()
	if reason != 0 {
		return ErrNotFound
	}
	if isNew {
		return nil
	}
	read, err := s.read(ctx, l, names...)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	gen := l.nextLocked()
	l.eachLocked(func(name string, p *part) { p.rebase(read.partLocked(name).stored, gen) })
	l.stored = read.stored
	l.reloadMetaLocked(read.meta)
	return nil
}

// reloadMetaLocked takes over metadata that was just read, unless a change of it is dirty.
func (l *live) reloadMetaLocked(meta Meta) {
	if l.metaGen != 0 {
		return
	}
	if meta.LastAccess.Before(l.meta.LastAccess) {
		meta.LastAccess = l.meta.LastAccess
	}
	l.meta, l.owner = meta, meta.User
}

// load reads one more component. The caller's later writes meet it or its own, never a mixture:
// the part appears in one step.
func (s *Session) load(ctx context.Context, name string) error {
	l, err := s.lockState(ctx)
	if err != nil {
		return err
	}
	defer s.unlockState(l)
	if s.has(name) {
		return nil
	}
	read, err := s.read(ctx, l, name)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	values := read.partLocked(name).stored
	l.partLocked(name).rebase(values, l.nextLocked())
	return nil
}

// read gets the session from its store as a copy that nobody else has.
func (s *Session) read(ctx context.Context, l *live, names ...string) (*live, error) {
	store, err := inner(s.store)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	reason := l.reason
	l.mu.Unlock()
	if reason != 0 {
		return nil, ErrNotFound
	}
	copied, err := store.Get(ctx, l.id, names...)
	if err != nil {
		if errors.Is(err, ErrNotFound) {
			l.end(Destroyed) // from elsewhere, and nobody told us
		}
		return nil, err
	}
	return copied.state.Load(), nil
}
