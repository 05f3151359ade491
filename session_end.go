package session

import (
	"context"
	"errors"
	"time"
)

// Destroy ends the session, for all handles and for good, and tells whether it did: false when
// it had ended already or was never stored. (A copy that came from a store's Get does not know of
// an end by others, and says true.) It answers when that is on disk. An error means
// that the outcome is not certain: the store refuses the session all the same for as long as it
// is open, and tries again. To go on with an empty session, for a message after a logout say,
// call Regenerate instead, or after it.
func (s *Session) Destroy(ctx context.Context) (bool, error) {
	ctx, cancel := s.patient(ctx)
	defer cancel()
	l, err := s.lockState(ctx)
	if err != nil {
		return false, err
	}
	defer s.unlockState(l)
	was, err := s.destroyLocked(ctx, l)
	if s.bound != nil && !untried(err) {
		s.bound.ended() // after a failure too: the client had better forget what is refused from now on
	}
	return was && err == nil, err
}

// patience bounds what goes on when the client is gone.
const patience = 30 * time.Second

// patient returns the context for what a request must not leave half done: a client that
// disconnects stops neither a logout nor a renewal.
func (s *Session) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.bound == nil {
		return ctx, func() {}
	}
	return context.WithTimeout(context.WithoutCancel(ctx), patience)
}

// destroyLocked ends the session in its store and in memory; the caller has the right to save.
func (s *Session) destroyLocked(ctx context.Context, l *live) (was bool, err error) {
	l.mu.Lock()
	isNew, reason := l.isNew, l.reason
	l.mu.Unlock()
	if reason != 0 {
		return false, nil
	}
	if isNew {
		s.endState(l, Destroyed)
		return false, nil
	}
	store, err := inner(s.store)
	if err != nil {
		return false, err
	}
	err = destroyIn(ctx, store, l.id, func() { s.endState(l, Destroyed) })
	return err == nil, err
}

// destroyIn ends a session in its store, and calls end unless the store did not start to work.
// It fails closed: whatever else the store says, or if it panics, nobody goes on with the session.
func destroyIn(ctx context.Context, store Store, id ID, end func()) (err error) {
	defer func() {
		if !untried(err) {
			end()
		}
	}()
	return store.Destroy(ctx, id)
}

// untried says whether err means that the store did not start to work.
func untried(err error) bool {
	if errors.Is(err, ErrUncertain) {
		return false
	}
	return errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// endState ends a state and its ProxyStore's entry.
func (s *Session) endState(l *live, reason Reason) {
	if p, ok := s.store.(*ProxyStore); ok {
		p.end(l.id, reason)
	}
	l.end(reason)
}

// release ends the use of the handle; see ProxyStore.Acquire.
func (s *Session) release() {
	s.mu.Lock()
	if s.released {
		s.mu.Unlock()
		return
	}
	s.released = true
	l := s.state.Load()
	s.mu.Unlock()
	s.leave(l)
}

// leave gives up a hold on a state. Changes that the last one leaves unsaved are lost.
func (s *Session) leave(l *live) {
	if !l.attached {
		return
	}
	p := s.store.(*ProxyStore)
	if last := p.leave(l); !last {
		return
	}
	l.mu.Lock()
	lost := l.reason == 0 && (l.isNew && l.worthLocked() || !l.isNew && l.dirtyLocked())
	l.mu.Unlock()
	if lost {
		p.lost(s, l.id)
	}
}
