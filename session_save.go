package session

import (
	"context"
	"errors"
	"time"
)

// changeStore is a store of this package, which takes changes without a session around them.
type changeStore interface {
	Store
	commit(ctx context.Context, ch Changes) error
}

// itself says whether store is one of this package, and not another that embeds it: what that
// one does in its own way must not be bypassed by methods it only inherits.
func itself(store Store) bool {
	s, ok := store.(interface{ proxy() *ProxyStore })
	if !ok {
		return false
	}
	own, err := s.proxy().Store()
	return err == nil && own == store
}

// Save stores what is dirty. It returns nil once all that was dirty at the call is stored, by
// this call or by another one; changes made meanwhile are left to the next. Of a request's
// session that is new, Save stores nothing until something was set. The errors: ErrNotFound
// when the session has ended, ErrReleased when the request has, ErrHeadersSent for a new
// session whose token cannot be sent any more, ErrFull and a done ctx when nothing was stored
// and the changes are still dirty, ErrUncertain when that is not known.
func (s *Session) Save(ctx context.Context) error { return s.saveTo(ctx, s.store) }

// saveTo saves to a store of this package, or by any other's own Save. One save of a session is
// under way at a time, so that the last change of a key is also the last to be stored.
func (s *Session) saveTo(ctx context.Context, store Store) error {
	store, err := inner(store)
	if err != nil {
		return err
	}
	if s.saving {
		return s.saveLocked(ctx, s.state.Load(), store)
	}
	l, err := s.lockState(ctx)
	if err != nil {
		return err
	}
	defer l.unlock()
	return s.saveLocked(ctx, l, store)
}

// whileSaving returns the handle that a store from elsewhere gets for its Save. It has the right
// to save already, so that the store may hand it on to the Save of another one.
func (s *Session) whileSaving(store Store, l *live) *Session {
	h := newHandle(store, l, nil)
	h.saving = true
	return h
}

// inner returns the store that a ProxyStore stands for, or the store itself.
func inner(store Store) (Store, error) {
	if p, ok := store.(*ProxyStore); ok {
		return p.Store()
	}
	return store, nil
}

// lockState returns the handle's state with the right to save it.
func (s *Session) lockState(ctx context.Context) (*live, error) {
	for {
		if err := s.usable(); err != nil {
			return nil, err
		}
		l := s.state.Load()
		if err := l.lock(ctx); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			l.unlock()
			return nil, err
		}
		if s.state.Load() == l {
			return l, nil
		}
		l.unlock() // moved while we waited
	}
}

// saveLocked stores what is dirty; the caller has the right to save.
func (s *Session) saveLocked(ctx context.Context, l *live, store Store) error {
	ch, ok, err := s.toSave(l)
	if err != nil || !ok {
		return err
	}
	if p, ok := s.store.(*ProxyStore); ok {
		p.pin(l)
		defer p.unpin(l)
	}
	if c, ok := store.(changeStore); ok && itself(store) {
		if err = c.commit(ctx, ch); err == nil {
			s.Saved(ch)
		}
	} else {
		err = store.Save(ctx, s.whileSaving(store, l))
	}
	return s.afterSave(l, err)
}

// toSave returns what is to be stored; ok is false when there is nothing.
func (s *Session) toSave(l *live) (ch Changes, ok bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.reason != 0:
		return ch, false, ErrNotFound
	case l.isNew && s.bound != nil:
		if !l.worthLocked() {
			return ch, false, nil
		}
		if err := s.bound.canCreate(&l.meta); err != nil {
			return ch, false, err
		}
	case !l.isNew && !l.dirtyLocked():
		return ch, false, nil
	}
	return l.changesLocked(), true, nil
}

// afterSave draws the conclusions from a save's error and returns it.
func (s *Session) afterSave(l *live, err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		l.end(Destroyed) // from elsewhere, and nobody told us
	case errors.Is(err, ErrUncertain):
		// It may have been created: to create it again could bring an ended session back.
		l.mu.Lock()
		l.isNew = false
		l.mu.Unlock()
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
	defer l.unlock() // no commit of ours can overtake the read
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
	l.meta = meta
}

// load reads one more component. The caller's later writes meet it or its own, never a mixture:
// the part appears in one step.
func (s *Session) load(ctx context.Context, name string) error {
	l, err := s.lockState(ctx)
	if err != nil {
		return err
	}
	defer l.unlock()
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
		return nil, s.afterSave(l, err)
	}
	return copied.state.Load(), nil
}

// Touch moves the last access to now, so that the session does not expire while it is used. A
// request does it once by itself; a long stream does it now and then. It costs no write: a
// store that is a [Toucher] collects touches, on any other the next save carries it, at most
// every half minute. It does nothing when the session is new or has ended.
func (s *Session) Touch() {
	now := time.Now().Round(0).UTC()
	l := s.state.Load()
	l.mu.Lock()
	if l.isNew || l.reason != 0 || l.meta.Expired(now) || !now.After(l.meta.LastAccess) {
		l.mu.Unlock()
		return
	}
	before := l.meta.LastAccess
	within := max(time.Second, l.meta.MaxAge/10)
	l.meta.LastAccess = now
	l.mu.Unlock()
	if s.touchStore(l.id, now, within) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(before) < min(30*time.Second, within) {
		l.meta.LastAccess = before // too soon to be worth a write
		return
	}
	l.metaGen = l.nextLocked()
}

// touchStore tells the store of a touch, if it wants to know. within is how soon the store
// should have it on disk.
func (s *Session) touchStore(id ID, at time.Time, within time.Duration) bool {
	store, err := inner(s.store)
	if err != nil {
		return false
	}
	if t, ok := store.(interface {
		touch(ID, time.Time, time.Duration)
	}); ok && itself(store) {
		t.touch(id, at, within)
		return true
	}
	t, ok := As[Toucher](store)
	return ok && t.Touch(context.Background(), id, at) == nil
}
