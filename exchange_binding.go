package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// freshMeta implements binding. The fingerprint is left to canCreate: few new sessions get as
// far as being stored.
func (x *exchange) freshMeta() Meta {
	return newMeta(time.Now(), x.m.maxAge, x.m.lifetime)
}

// canWrite implements binding.
func (x *exchange) canWrite() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.absent {
		return ErrNoSession
	}
	return nil
}

// canCreate implements binding.
func (x *exchange) canCreate(meta *Meta) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.muted:
		return ErrNotFound
	case x.sent && !x.told:
		return ErrHeadersSent
	}
	x.moving = true
	if meta.Fingerprint == nil {
		meta.Fingerprint = fingerprintSum(meta.Salt, x.said)
	}
	return nil
}

// canMove implements binding.
func (x *exchange) canMove() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.closed:
		return ErrReleased
	case x.sent || x.w.headersSent():
		return ErrHeadersSent
	}
	x.moving = true
	return nil
}

// canRenew implements binding.
func (x *exchange) canRenew() error {
	if !x.m.byItself {
		return fmt.Errorf("the app has to hand out the new token, use Manager.Generate: %w", errors.ErrUnsupported)
	}
	return nil
}

// fresh implements binding.
func (x *exchange) fresh() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.token != ""
}

// keepNew implements binding.
func (x *exchange) keepNew() (token string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.absent, x.muted = false, false
	return x.token
}

// moved implements binding.
func (x *exchange) moved(token string) {
	to := x.current()
	end := to.metadata().End
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || x.sent { // before could wait no longer
		x.m.log.Warn("session: renewed too late, its client is logged out", "session", to.ID().Short())
		return
	}
	x.token, x.came, x.cleared = token, true, false
	x.m.transport.Send(x.w.Header(), x.r, token, end)
}

// begun implements binding.
func (x *exchange) begun(token string) {
	x.ended()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.token, x.muted, x.told, x.over = token, false, false, false
}

// ended implements binding. A client whose token was renewed away, by another request, has a
// new one by now, which must stay.
func (x *exchange) ended() {
	retired := x.m.proxy.retired.has(x.current().ID(), time.Now())
	x.mu.Lock()
	defer x.mu.Unlock()
	x.over = true
	if !x.came || x.muted || x.closed || x.sent || retired {
		return
	}
	x.came, x.cleared = false, true
	x.m.transport.Clear(x.w.Header(), x.r)
}

// discarded implements binding.
func (x *exchange) discarded(session string) {
	x.mu.Lock()
	muted := x.muted
	x.mu.Unlock()
	if !muted && x.report() {
		x.m.log.Warn("session: changes discarded, the request ended before they were saved", "session", session)
	}
}

// keepNew has a new session stored by the next save even when it is empty, and says whether it
// is new.
func (s *Session) keepNew() (isNew bool) {
	s.locked(func(l *live) {
		isNew = l.isNew && l.reason == 0
		l.keep = l.keep || isNew
	})
	return isNew
}

// innermost returns the exchange that a context is in, the one From asks, or nil.
func innermost(ctx context.Context) *exchange {
	switch v := ctx.Value(contextKey{}).(type) {
	case *exchange:
		return v
	case *Session:
		x, _ := v.bound.(*exchange)
		return x
	}
	return nil
}

// in returns the request as the handler gets it.
func (x *exchange) in(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), contextKey{}, x))
}

// exchangeOf returns the exchange of m that a context is in, or nil.
func (m *Manager) exchangeOf(ctx context.Context) *exchange {
	x := innermost(ctx)
	for x != nil && x.m != m {
		x = x.outer
	}
	return x
}
