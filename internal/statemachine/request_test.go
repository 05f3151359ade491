package statemachine

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/boltsession/session"
	"pgregory.net/rapid"
)

var errUnsupported = errors.ErrUnsupported

// exchange is a request as the model sees it.
type exchange struct {
	w      *world
	s      *session.Session
	live   *live
	muted  bool    // its token is retired: nothing is stored
	fresh  bool    // it has a token that the client did not bring
	staged *string // a user that waits for a renewal
}

// request has a handler do this and that with the session that a token opens.
func (w *world) request(*rapid.T) {
	from := w.slot()
	if rapid.IntRange(0, 3).Draw(w.T, "with an old token") == 3 {
		from = &w.old
	}
	x := &exchange{w: w}
	x.open(from.id)
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: "sid", Value: from.token})
	recorder := httptest.NewRecorder()
	w.manager.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		x.s = session.From(r)
		for range rapid.IntRange(0, 5).Draw(w.T, "steps of the handler") {
			x.step()
			if got, want := x.s.User(), x.live.meta.User; got != want {
				w.Fatalf("the user is %q, want %q", got, want)
			}
		}
		x.live.id = x.s.ID() // tokens are random
	})).ServeHTTP(recorder, r)
	status := http.StatusOK
	if x.live.dirty() && x.save() == session.ErrTooLarge {
		status = http.StatusServiceUnavailable
	}
	w.equal("status", recorder.Code, status)
	w.model.settle()
	w.model.leave(x.live)
	x.answered(recorder.Result(), from)
}

// open is how a request begins.
func (x *exchange) open(id session.ID) {
	now := time.Now()
	if l, err := x.w.model.acquire(id); err == nil {
		x.live = l
		x.w.model.touch(l)
		return
	}
	x.muted = now.Before(x.w.model.retired[id])
	x.startAnew()
}

// startAnew gives the request a session that nobody has.
func (x *exchange) startAnew() {
	now := time.Now()
	x.live = newLive(session.ID{}, session.Meta{Created: now, LastAccess: now, End: now.Add(10 * time.Minute), MaxAge: 2 * time.Minute})
	x.live.attached, x.live.holders, x.fresh = true, 1, true
}

// answered compares the token that the client was sent, and has the client take it.
func (x *exchange) answered(response *http.Response, from *slot) {
	w, token := x.w, ""
	for _, c := range response.Cookies() {
		token = c.Value
	}
	if want := x.fresh && !x.muted && !x.live.isNew && !x.live.ended; want != (token != "") {
		w.Fatalf("a token was sent: %v, want %v", token != "", want)
	}
	if token == "" {
		return
	}
	if session.TokenID(token) != x.live.id {
		w.Fatal("the token sent is not the session's")
	}
	w.old = *from
	*from = w.knows(token)
}

// step is one step of a handler.
func (x *exchange) step() {
	w := x.w
	switch kind := rapid.IntRange(0, 9).Draw(w.T, "kind of step"); {
	case kind < 3:
		key, value := w.key(), w.value()
		w.same("Set", x.s.Set(key, value), x.live.set("", key, value, w.model.limit))
	case kind < 5:
		x.setUser(w.user())
	case kind < 6:
		x.live.id = x.s.ID()
		w.same("Save", x.s.Save(w.ctx), x.save())
	case kind < 8:
		x.renew()
	case kind < 9:
		x.regenerate()
	default:
		x.live.id = x.s.ID()
		was, err := x.s.Destroy(w.ctx)
		w.must(err)
		if want := w.model.destroy(x.live, true); was != want {
			w.Fatalf("Destroy says %v, want %v", was, want)
		}
	}
	w.model.settle()
}

// setUser sets the user, at once or with the next renewal.
func (x *exchange) setUser(user string) {
	want := x.live.writable()
	x.w.same("SetUser", x.s.SetUser(user), want)
	if want != nil {
		return
	}
	x.staged = nil
	switch {
	case user == x.live.meta.User:
	case !x.live.isNew && user != "" && !x.fresh:
		x.staged = &user
	default:
		x.live.meta.User, x.live.metaDirty = user, true
	}
}

// save is what Save does in a request.
func (x *exchange) save() error {
	switch {
	case x.live.ended:
		return session.ErrNotFound
	case x.live.isNew && !x.live.worth():
		return nil
	case x.live.isNew && x.muted:
		return session.ErrNotFound
	}
	return x.w.model.save(x.live)
}

// renew renews the session.
func (x *exchange) renew() {
	w, l := x.w, x.live
	l.id = x.s.ID()
	from := l.id
	err := x.s.Renew(w.ctx)
	switch {
	case l.ended:
		w.same("Renew", err, session.ErrNotFound)
		return
	case l.isNew:
		l.keep, x.muted = true, false
		w.same("Renew", err, x.save())
		return
	}
	ch := l.changes()
	if x.staged != nil {
		meta := l.meta
		meta.User = *x.staged
		ch.meta = &meta
	}
	to := x.s.ID()
	want := w.model.stored.renew(from, to, ch)
	w.same("Renew", err, want)
	if want == session.ErrNotFound {
		w.model.endLive(from)
		l.ended = true
	}
	if want != nil {
		return
	}
	x.moveTo(l.copyTo(to))
	if ch.meta != nil {
		x.live.meta.User = ch.meta.User
	}
	w.model.publish(x.live)
	w.model.retired[from] = time.Now().Add(retiredFor)
	x.staged, x.fresh = nil, true
}

// moveTo makes the request's session another one.
func (x *exchange) moveTo(to *live) {
	x.w.model.settle()
	x.live.ended = true
	x.w.model.leave(x.live)
	x.live = to
}

// regenerate destroys the session and goes on with an empty one.
func (x *exchange) regenerate() {
	w := x.w
	x.live.id = x.s.ID()
	if !x.live.isNew {
		w.model.retired[x.live.id] = time.Now().Add(retiredFor)
	}
	w.must(x.s.Regenerate(w.ctx))
	w.model.destroy(x.live, true)
	old := x.live
	x.startAnew()
	w.model.settle()
	w.model.leave(old)
	x.muted, x.staged = false, nil
}
