package session

import (
	"context"
	"fmt"
	"time"
)

// metadata returns the session's metadata.
func (s *Session) metadata() (meta Meta) {
	s.locked(func(l *live) { meta = l.meta })
	return meta
}

// Created returns when the session began.
func (s *Session) Created() time.Time { return s.metadata().Created }

// LastAccess returns when the session was last used, as far as this process knows.
func (s *Session) LastAccess() time.Time { return s.metadata().LastAccess }

// ExpiresAt returns when the session expires unless it is touched.
func (s *Session) ExpiresAt() time.Time { return s.metadata().ExpiresAt() }

// MaxAge returns the idle timeout.
func (s *Session) MaxAge() time.Duration { return s.metadata().MaxAge }

// SetMaxAge sets the idle timeout, at least a second. The lifetime's end stays as it is.
func (s *Session) SetMaxAge(d time.Duration) error {
	if d < time.Second {
		return fmt.Errorf("session: max age %v is less than a second; use Destroy to end a session", d)
	}
	l, err := s.lockLive()
	if err != nil {
		return err
	}
	defer l.mu.Unlock()
	if l.meta.MaxAge != d {
		l.meta.MaxAge, l.metaGen = d, l.nextLocked()
	}
	return nil
}

// User returns the name of the user the session belongs to, "" for none.
func (s *Session) User() string { return s.metadata().User }

// SetUser makes the session the user's, "" for nobody's, so that it is found by the user's
// name (see [UserIndex]). In a request, a session that the client brought does not become
// another user's until Renew or Manager.Generate gives it a new token in the same request,
// before or after: until then User says what it said, and without it nothing changes but that
// a warning is logged. So whoever planted a token gains nothing by the login.
func (s *Session) SetUser(user string) error {
	if err := checkName("user name", user); err != nil {
		return err
	}
	l, err := s.lockLive()
	if err != nil {
		return err
	}
	defer l.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged = nil
	switch {
	case l.meta.User == user:
	case s.bound != nil && !l.isNew && user != "" && !s.bound.fresh():
		s.staged = &user
	default:
		l.meta.User, l.metaGen = user, l.nextLocked()
	}
	return nil
}

// loginForgotten says whether SetUser waits for a renewal that did not come.
func (s *Session) loginForgotten() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.staged != nil
}

// stagedUser returns the user that a renewal by this handle makes the session's.
func (s *Session) stagedUser(now string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.staged != nil {
		return *s.staged
	}
	return now
}

// Touch moves the last access to now, so that the session does not expire while it is used. A
// request does it once by itself; a long stream does it now and then. It costs no write: a
// store that is a [Toucher] collects touches, on any other the next save carries it, at most
// every half minute. It does nothing when the session is new or has ended, or its request is over.
func (s *Session) Touch() {
	store, err := inner(s.store)
	if err != nil || s.usable() != nil {
		return
	}
	now := time.Now().Round(0).UTC()
	quick, isQuick := quickToucher(store)
	toucher, isToucher := As[Toucher](store)
	l := s.state.Load()
	within, ok := l.touch(now, isQuick || isToucher)
	switch {
	case !ok:
	case isQuick:
		quick.touch(l.id, now, within)
	case isToucher:
		toucher.Touch(context.Background(), l.id, now) // if it fails, the next one makes up for it
	}
}

// touch moves the last access to now and says whether it did, and how soon that should be on
// disk. If the store does not collect touches the metadata is dirty then, but for touches that
// are too close to the last to be worth a write.
func (l *live) touch(now time.Time, collected bool) (within time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isNew || l.reason != 0 || l.meta.Expired(now) || !now.After(l.meta.LastAccess) {
		return 0, false
	}
	within = max(time.Second, l.meta.MaxAge/10)
	if !collected {
		if now.Sub(l.meta.LastAccess) < min(30*time.Second, within) {
			return 0, false
		}
		l.metaGen = l.nextLocked()
	}
	l.meta.LastAccess = now
	return within, true
}

// toucherWithin is a store of this package that collects touches in memory.
type toucherWithin interface {
	touch(id ID, at time.Time, within time.Duration)
}

func quickToucher(store Store) (toucherWithin, bool) {
	own, ok := ownStore(store)
	if !ok {
		return nil, false
	}
	t, ok := own.(toucherWithin)
	return t, ok
}
