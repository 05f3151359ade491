package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// exchange is one request, its response and its session: the binding of the request's handle
// and the hook of its response.
type exchange struct {
	m    *Manager
	r    *http.Request
	w    *response
	s    *Session
	used atomic.Bool // by the handler

	mu      sync.Mutex
	came    bool   // the client has a token, as far as we know
	pending string // the token of a session new in this request, sent when it is stored
	told    bool   // the app has that token
	absent  bool   // no session, and none begins by itself
	muted   bool   // the client's token is retired: nothing is stored, nothing sent
	sent    bool   // the header is out
	closed  bool   // the handler is over
}

// begin finds or makes the session of a request.
func (m *Manager) begin(w http.ResponseWriter, r *http.Request) (*exchange, error) {
	x := &exchange{m: m, r: r}
	x.w = newResponse(w, x)
	token, fault := tokenOf(m.transport, r)
	switch fault {
	case tokenFine:
		if err := x.open(TokenID(token)); err != nil {
			return nil, err
		}
	case tokenAmbiguous, tokenMalformed:
		m.log.Warn("session: the request's token is not used", "reason", string(fault))
	}
	if x.s == nil {
		x.pending = newToken()
		x.absent = !m.byItself
		x.s = m.proxy.begin(TokenID(x.pending), x.freshMeta(), x)
	}
	return x, nil
}

// open gets the session that the client's token names, if there is one for this client.
func (x *exchange) open(id ID) error {
	s, err := x.m.proxy.acquire(x.r.Context(), id, x)
	if errors.Is(err, ErrNotFound) {
		x.came = true
		x.muted = x.m.proxy.retired.has(id, time.Now())
		return nil
	}
	if err != nil {
		return err
	}
	meta := s.metadata()
	said := x.m.fingerprint(x.m.proxies.resolved(x.r))
	if !fingerprintMatches(meta.Fingerprint, meta.Salt, said) {
		x.m.log.Warn("session: not served, the client's fingerprint changed",
			"session", id.Short(), "changed", strings.Join(fingerprintDiff(meta.Fingerprint, meta.Salt, said), ", "))
		s.release()
		return nil
	}
	x.came, x.s = true, s
	s.Touch()
	return nil
}

// freshMeta returns the metadata of a session that begins with this request.
func (x *exchange) freshMeta() Meta {
	meta := newMeta(time.Now(), x.m.maxAge, x.m.lifetime)
	meta.Fingerprint = fingerprintSum(meta.Salt, x.m.fingerprint(x.m.proxies.resolved(x.r)))
	return meta
}

// use notes that the response depends on the session.
func (x *exchange) use() {
	if !x.used.Load() {
		x.used.Store(true)
	}
}

// before saves the session and sends its token; see responseHook.
func (x *exchange) before(status int) error {
	hijacked := status == statusHijacked
	if hijacked {
		x.mu.Lock()
		x.sent = true // whoever takes the connection may not send our header
		x.mu.Unlock()
	}
	err := x.save()
	if hijacked && errors.Is(err, ErrHeadersSent) {
		x.m.log.Warn("session: new session not stored, a hijacked connection may not deliver its token", "session", x.s.ID().Short())
		err = nil
	}
	if err == nil {
		err = x.seal()
	}
	x.protect()
	return err
}

// fail answers for the handler; see responseHook. What was committed before the failure is sent.
func (x *exchange) fail(w http.ResponseWriter, err error) {
	x.m.log.Error("session: saving the session", "session", x.s.ID().Short(), "error", err)
	if sealErr := x.seal(); sealErr != nil {
		x.m.log.Error("session: sending the token", "error", sealErr)
	}
	x.protect()
	x.m.onError(w, x.r, err)
}

// save stores what is dirty. An end from elsewhere is no failure of this response.
func (x *exchange) save() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), patience)
	defer cancel()
	err := x.s.Save(ctx)
	switch {
	case errors.Is(err, ErrNotFound):
		x.m.log.Debug("session: ended during the request, its changes are not stored", "session", x.s.ID().Short())
		return nil
	case errors.Is(err, ErrReleased):
		return nil
	}
	return err
}

// seal puts the token of a session that is stored by now into the header. From then on no
// token can be sent: it holds off saves meanwhile, so that none creates a session too late.
func (x *exchange) seal() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), patience)
	defer cancel()
	l, err := x.s.lockState(ctx)
	if err != nil {
		return err
	}
	defer x.s.unlockState(l)
	l.mu.Lock()
	stored, end := !l.isNew && l.reason == 0, l.meta.End
	l.mu.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	if stored && x.pending != "" && !x.muted {
		x.m.transport.Send(x.w.Header(), x.r, x.pending, end)
		x.pending, x.came = "", true
		x.use()
	}
	x.sent = true
	return nil
}

// protect keeps a response that depends on the session out of shared caches.
func (x *exchange) protect() {
	if x.used.Load() {
		protectCaching(x.w.Header(), x.m.transport.Vary())
	}
}

// finish begins the response of a handler that did not, and saves what was set since it began.
func (x *exchange) finish() {
	if !x.w.headersSent() {
		x.w.finish()
		return
	}
	if err := x.save(); err != nil {
		x.m.log.Error("session: changes made after the response began are lost", "session", x.s.ID().Short(), "error", err)
	}
}

// close releases the handle.
func (x *exchange) close() {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.s.release()
}

// generate is Manager.Generate.
func (x *exchange) generate(ctx context.Context) (string, error) {
	x.use()
	if err := x.canMove(); err != nil {
		return "", err
	}
	if x.s.keepNew() {
		x.mu.Lock()
		x.told = true
		x.mu.Unlock()
		return x.keepNew(), nil
	}
	token, err := x.s.renew(ctx)
	if err != nil {
		return "", fmt.Errorf("generate token: %w", err)
	}
	return token, nil
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
func (x *exchange) canCreate() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.muted:
		return ErrNotFound
	case x.sent && !x.told:
		return ErrHeadersSent
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
	case x.w.headersSent():
		return ErrHeadersSent
	}
	return nil
}

// canRenew implements binding.
func (x *exchange) canRenew() error {
	if !x.m.byItself {
		return fmt.Errorf("the app has to hand out the new token, use Manager.Generate: %w", errors.ErrUnsupported)
	}
	return nil
}

// keepNew implements binding.
func (x *exchange) keepNew() (token string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.absent, x.muted = false, false
	return x.pending
}

// moved implements binding.
func (x *exchange) moved(token string) {
	end := x.s.metadata().End
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || x.sent {
		return
	}
	x.pending, x.came = "", true
	x.use()
	x.m.transport.Send(x.w.Header(), x.r, token, end)
}

// begun implements binding.
func (x *exchange) begun(token string) {
	x.ended()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.pending, x.muted, x.told = token, false, false
}

// ended implements binding.
func (x *exchange) ended() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.came || x.muted || x.closed || x.sent {
		return
	}
	x.came = false
	x.use()
	x.m.transport.Clear(x.w.Header(), x.r)
}

// discarded implements binding.
func (x *exchange) discarded(session string) {
	x.mu.Lock()
	muted := x.muted
	x.mu.Unlock()
	if !muted {
		x.m.log.Warn("session: changes discarded, the request ended before they were saved", "session", session)
	}
}
