package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Renew gives the session a new token and ID, in one atomic step with what is dirty: do it
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
// stored and sent once something is set. Its errors are those of Renew.
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
	defer l.unlock()
	if err := s.bound.canMove(); err != nil {
		return err
	}
	p := s.store.(*ProxyStore)
	if !s.IsNew() { // else nobody knows the ID
		p.retired.mark(l.id, time.Now())
	}
	if _, err := s.destroyLocked(ctx, l); err != nil {
		if untried(err) {
			p.retired.withdraw(l.id)
		}
		return err
	}
	token := newToken()
	l.mu.Lock()
	to := newLive(TokenID(token), s.bound.freshMeta())
	to.attached, to.gen = true, l.gen+1
	to.global.baseGen = to.gen
	l.mu.Unlock()
	defer s.moveTo(p, l, to)()
	s.bound.begun(token)
	return nil
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
	defer l.unlock()
	if err := s.bound.canMove(); err != nil {
		return "", err
	}
	p := s.store.(*ProxyStore)
	store, err := p.Store()
	if err != nil {
		return "", err
	}
	user, isNew, err := s.freeze(l)
	if err != nil {
		return "", err
	}
	defer s.thaw(l)
	if isNew {
		return s.renewNew(ctx, l, store)
	}
	token = newToken()
	to := TokenID(token)
	p.retired.mark(l.id, time.Now())
	if err := moveStored(ctx, store, s, l, to); err != nil {
		s.renewFailed(p, l, err)
		return "", err
	}
	defer s.moveTo(p, l, l.movedTo(to, user))()
	s.endState(l, Renewed)
	s.bound.moved(token)
	return token, nil
}

// freeze has the writes of all handles wait until the move is over: those before it move along
// with the session, those after it belong to the handle that moved or have nowhere to go.
func (s *Session) freeze(l *live) (user string, isNew bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.reason != 0 {
		return "", false, ErrNotFound
	}
	l.moving, l.mover = make(chan struct{}), s
	return s.stagedUser(l.meta.User), l.isNew, nil
}

func (s *Session) thaw(l *live) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.thawLocked()
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

// renewFailed draws the conclusions from a renewal that was not stored, or perhaps was.
func (s *Session) renewFailed(p *ProxyStore, l *live, err error) {
	switch {
	case errors.Is(err, ErrUncertain):
		s.endState(l, Renewed) // the old ID may be dead, and nobody has the new token
	case errors.Is(err, ErrNotFound):
		s.endState(l, Destroyed)
		p.retired.withdraw(l.id)
	default:
		p.retired.withdraw(l.id)
	}
}

// moveTo makes the handle one of the state to, which nobody else saves until done is called:
// the request's header must not go out before it has the token.
func (s *Session) moveTo(p *ProxyStore, from, to *live) (done func()) {
	to.attached = true
	to.saving <- struct{}{} // nobody knows it: this does not wait
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged = nil
	if s.released {
		return to.unlock // nobody uses it any more
	}
	p.enterNew(to)
	s.state.Store(to)
	p.leave(from)
	return to.unlock
}
