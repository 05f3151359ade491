package session

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// exchange is one request, its response and its session: the binding of the request's handle
// and the hook of its response.
type exchange struct {
	m     *Manager
	r     *http.Request
	w     *response
	said  string      // by the fingerprint function, before any handler could change the request
	outer *exchange   // another Manager's around this one
	used  atomic.Bool // by the handler

	mu       sync.Mutex
	s        *Session // nil until asked for, when the client brought none
	came     bool     // the client has a token, as far as we know
	token    string   // made in this request, of a session that began in it or was renewed
	told     bool     // the app has that token
	cleared  bool     // the client is told to forget its token
	absent   bool     // no session, and none begins by itself
	muted    bool     // the client's token is retired: nothing is stored, nothing sent
	over     bool     // the handler destroyed the session
	moving   bool     // a token was or is being stored: see seal
	sent     bool     // the header is out
	reported bool     // it is logged that changes are lost
	closed   bool     // the handler is over
}

// begin finds the session of a request.
func (m *Manager) begin(w http.ResponseWriter, r *http.Request) (*exchange, error) {
	x := &exchange{m: m, r: r, outer: innermost(r.Context())}
	x.said = m.fingerprint(m.proxies.resolved(r))
	token, fault := tokenOf(m.transport, r)
	switch fault {
	case tokenFine:
		if err := x.open(TokenID(token)); err != nil {
			return nil, err
		}
	case tokenAmbiguous: // no browser does that by itself: somebody planted one, or the site uses two
		m.log.Warn("session: the request's token is not used", "reason", string(fault))
	case tokenMalformed: // any stranger can send that
		m.log.Debug("session: the request's token is not used", "reason", string(fault))
	}
	x.absent = x.s == nil && !m.byItself
	x.w = newResponse(w, x)
	return x, nil
}

// open gets the session that the client's token names, if there is one for this client.
func (x *exchange) open(id ID) error {
	x.came = true
	s, err := x.m.proxy.acquire(x.r.Context(), id, x)
	if errors.Is(err, ErrNotFound) {
		x.muted = x.m.proxy.retired.has(id, time.Now())
		return nil
	}
	if err != nil {
		return err
	}
	meta := s.metadata()
	if !fingerprintMatches(meta.Fingerprint, meta.Salt, x.said) {
		x.m.log.Warn("session: not served, the client's fingerprint changed",
			"session", id.Short(), "changed", strings.Join(fingerprintDiff(meta.Fingerprint, meta.Salt, x.said), ", "))
		s.release()
		return nil
	}
	x.s = s
	s.Touch()
	return nil
}

// session returns the request's session. One that begins with the request is made at its first
// use, which most visits of strangers never come to. After the request it is released already.
func (x *exchange) session() *Session {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.s == nil {
		x.token = newToken()
		x.s = x.m.proxy.begin(TokenID(x.token), x.freshMeta(), x)
		if x.closed {
			x.s.release()
		}
	}
	return x.s
}

// current returns the request's session, nil if nobody asked for it.
func (x *exchange) current() *Session {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.s
}

// use notes that the response depends on the session: nobody gets at that without.
func (x *exchange) use() {
	if !x.used.Load() {
		x.used.Store(true)
	}
}

// before saves the session and sends its token; see responseHook.
func (x *exchange) before(status int) error {
	if status == statusHijacked {
		x.mu.Lock()
		x.sent = true // whoever takes the connection may not send our header
		x.mu.Unlock()
	}
	err := x.save()
	if status == statusHijacked && errors.Is(err, ErrHeadersSent) {
		x.undeliverable()
		err = nil
	}
	if sealErr := x.seal(); err == nil {
		err = sealErr
	}
	x.protect()
	return err
}

// fail answers for the handler; see responseHook. What was committed before is in the header.
func (x *exchange) fail(w http.ResponseWriter, err error) {
	x.m.log.Error("session: saving the session", "session", x.current().ID().Short(), "error", err)
	x.report()
	x.m.answer(w, x.r, err)
}

// save stores what is dirty. An end from elsewhere is no failure of this response.
func (x *exchange) save() error {
	s := x.current()
	if s == nil || !s.IsDirty() {
		return nil
	}
	ctx, cancel := s.patient(x.r.Context())
	defer cancel()
	err := s.Save(ctx)
	if errors.Is(err, ErrNotFound) {
		x.m.log.Debug("session: ended during the request, its changes are not stored", "session", s.ID().Short())
		return nil
	}
	return err
}

// seal puts the token of a session that is stored by now into the header: again if it was
// there, as handlers and the middleware inside of us replace header fields. From then on no
// token can be sent. A save or renewal on another goroutine that could make one is waited for;
// one that comes later is refused.
func (x *exchange) seal() error {
	x.mu.Lock()
	s := x.s
	if !x.moving {
		defer x.mu.Unlock()
		x.sealLocked(false, time.Time{})
		return nil
	}
	x.mu.Unlock()
	ctx, cancel := s.patient(x.r.Context())
	defer cancel()
	l, err := s.lockState(ctx)
	if err != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.sealLocked(false, time.Time{})
		return err
	}
	defer x.s.unlockState(l)
	l.mu.Lock()
	stored, end := !l.isNew && l.reason == 0, l.meta.End
	l.mu.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sealLocked(stored, end)
	return nil
}

func (x *exchange) sealLocked(stored bool, end time.Time) {
	switch {
	case stored && x.token != "" && !x.muted:
		x.m.transport.Send(x.w.Header(), x.r, x.token, end)
		x.came, x.cleared = true, false
	case x.cleared:
		x.m.transport.Clear(x.w.Header(), x.r)
	}
	x.sent = true
}

// protect keeps a response that depends on the session out of shared caches.
func (x *exchange) protect() {
	if x.used.Load() {
		protectCaching(x.w.Header(), x.m.transport.Vary())
	}
}

// finish begins the response of a handler that did not, and saves what was set since it began.
// After a failure it does not: the client was told to try again.
func (x *exchange) finish() {
	begun := x.w.headersSent()
	x.w.finish()
	if !begun || x.w.failed {
		return
	}
	err := x.save()
	switch {
	case errors.Is(err, ErrHeadersSent):
		x.undeliverable()
	case err != nil:
		x.report()
		x.m.log.Error("session: changes made after the response began are not stored",
			"session", x.current().ID().Short(), "error", err)
	}
}

// undeliverable logs that a new session is not stored because its token cannot be sent.
func (x *exchange) undeliverable() {
	if x.report() {
		x.m.log.Warn("session: new session not stored, its token cannot be sent; set something before the response begins",
			"session", x.current().ID().Short())
	}
}

// report says whether nobody has logged yet that changes are lost.
func (x *exchange) report() (first bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	first, x.reported = !x.reported, true
	return first
}

// close releases the handle. After a panic the header may still be sent, by whoever recovers.
func (x *exchange) close() {
	x.mu.Lock()
	x.closed = true
	s := x.s
	x.mu.Unlock()
	if !x.w.headersSent() {
		x.protect()
	}
	if s == nil {
		return
	}
	if s.loginForgotten() {
		x.m.log.Warn("session: SetUser without Renew or Generate: the client brought the session, so it did not become the user's",
			"session", s.ID().Short())
	}
	s.release()
}

// released says whether the handler is over: a request that outlives it begins anew.
func (x *exchange) released() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.closed
}
