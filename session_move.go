package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Renew gives the session a new token and ID (but for one that is not stored yet, whose token
// nobody has), in one atomic step with what is dirty: do it
// whenever the user's rights change, at login above all (OWASP: renew the session ID after any
// privilege level change). This handle goes on with the renewed session; the old token is dead
// and all other handles have ended. Of two renewals at once the second gets ErrNotFound. It
// returns ErrHeadersSent when the response has begun, and errors.ErrUnsupported outside of a
// request and on token transports, where [Manager.Generate] returns the new token.
func (s *Session) Renew(ctx context.Context) error {
	if err := s.canRenew(); err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	_, err := s.renew(ctx)
	return err
}

// Regenerate destroys the session and goes on with an empty one under a new token, which is
// stored and sent once something is set. Its errors are those of Renew, but that a session that
// has ended is left behind as well.
func (s *Session) Regenerate(ctx context.Context) error {
	if err := s.canRenew(); err != nil {
		return fmt.Errorf("regenerate session: %w", err)
	}
	return s.regenerate(ctx)
}

func (s *Session) regenerate(ctx context.Context) error {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	l, err := s.lockState(ctx)
	if err != nil {
		return err
	}
	defer s.unlockState(l)
	if err := s.bound.canMove(); err != nil {
		return err
	}
	token := newToken()
	to := newLive(TokenID(token), s.bound.freshMeta())
	to.destine()
	defer to.unlock()
	l.freeze(s)
	defer l.thaw()
	p := s.store.(*ProxyStore)
	if !s.IsNew() { // else nobody knows the ID
		p.retired.mark(l.id, time.Now())
	}
	if _, err := s.destroyLocked(ctx, l); err != nil {
		if !errors.Is(err, ErrUncertain) {
			p.retired.withdraw(l.id)
		}
		return err
	}
	to.startAfter(l)
	s.moveTo(p, l, to)
	s.bound.begun(token)
	return nil
}

// destine makes l, which nobody else has, what a handle moves to: held, and not saved by anybody
// before it is unlocked, as the request's header must not go out before it has the new token.
func (l *live) destine() {
	l.attached, l.holders = true, 1
	l.turn() <- struct{}{}
}

// startAfter makes the generations of an empty state greater than those of from, so that no
// Update that read from takes an absent key of l for the one it read.
func (l *live) startAfter(from *live) {
	from.mu.Lock()
	defer from.mu.Unlock()
	l.gen = from.gen + 1
	l.global.baseGen = l.gen
}

// canRenew says whether Renew and Regenerate are for this handle at all.
func (s *Session) canRenew() error {
	if s.bound == nil {
		return fmt.Errorf("no request to answer with the new token: %w", errors.ErrUnsupported)
	}
	return s.bound.canRenew()
}

// renew moves the session, or stores it for the first time, and returns its token.
func (s *Session) renew(ctx context.Context) (token string, err error) {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	l, err := s.lockState(ctx)
	if err != nil {
		return "", err
	}
	defer s.unlockState(l)
	if err := s.bound.canMove(); err != nil {
		return "", err
	}
	store, err := inner(s.store)
	if err != nil {
		return "", err
	}
	l.freeze(s)
	defer l.thaw()
	from, err := s.departing(l)
	if err != nil {
		return "", err
	}
	if from.isNew {
		return s.renewNew(ctx, l, store)
	}
	token = newToken()
	to := from.copyLocked(TokenID(token))
	to.savedLocked(Changes{seq: to.gen})
	to.owner = to.meta.User
	to.destine()
	defer to.unlock()
	if err := s.move(ctx, store, l, from, to); err != nil {
		return "", err
	}
	s.bound.moved(token)
	return token, nil
}

// departing returns a copy of the state as it is to be after a renewal.
func (s *Session) departing(l *live) (*live, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason != 0 {
		return nil, ErrNotFound
	}
	from := l.copyLocked(l.id)
	if user := s.stagedUser(from.meta.User); user != from.meta.User {
		from.meta.User, from.metaGen = user, from.nextLocked()
	}
	return from, nil
}

// move moves the session to another ID in its store, and the handle with it. The new state is in
// the map before the commit, so that an end that comes right after it finds it.
func (s *Session) move(ctx context.Context, store Store, l, from, to *live) (err error) {
	p := s.store.(*ProxyStore)
	p.publish(to)
	p.retired.mark(l.id, time.Now())
	err = ErrUncertain // what a store leaves behind that panics
	defer func() {
		if err != nil {
			p.end(to.id, Destroyed)
			p.leave(to)
			s.moveFailed(p, l, err)
			return
		}
		s.moveTo(p, l, to)
		s.endState(l, Renewed)
	}()
	return moveStored(ctx, store, from, to.id)
}

// renewNew stores a session that the client does not know yet. Its token was never sent, so that
// there is no other one to give it.
func (s *Session) renewNew(ctx context.Context, l *live, store Store) (token string, err error) {
	s.keepNew()
	token = s.bound.keepNew()
	if err := s.saveLocked(ctx, l, store); err != nil {
		return "", err
	}
	s.bound.moved(token)
	return token, nil
}

// moveFailed draws the conclusions from a renewal that was not stored, or perhaps was.
func (s *Session) moveFailed(p *ProxyStore, l *live, err error) {
	switch {
	case errors.Is(err, ErrUncertain):
		s.endState(l, Renewed) // the old ID may be dead, and nobody has the new token
		return
	case errors.Is(err, ErrNotFound):
		s.endState(l, Destroyed)
	}
	p.retired.withdraw(l.id)
}

// moveTo makes the handle one of the state to, which it holds already.
func (s *Session) moveTo(p *ProxyStore, from, to *live) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged = nil
	if s.released {
		p.leave(to) // nobody uses it any more
		return
	}
	s.state.Store(to)
	p.leave(from)
}
