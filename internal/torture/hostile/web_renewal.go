//go:build linux

package hostile

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// renewal logs in while others use the old token: they see the old session or none, and from when
// the login answers none.
func renewal(ctx context.Context, t *trial.Trial) error {
	logins, seen := t.Size(500, 40), new(renewalSeen)
	for _, transport := range transportNames {
		s, err := newSite(t, transport, session.Options{})
		if err != nil {
			return err
		}
		for range logins / len(transportNames) {
			if err == nil {
				err = s.loginUnderFire(ctx, t, seen)
			}
		}
		s.shut()
		if err != nil {
			return err
		}
	}
	t.Figure("renewal: %d logins under 4 users of the old token: %d of their requests saw the old session, %d none, %d the user's",
		logins, seen.old.Load(), seen.none.Load(), seen.users.Load())
	return nil
}

// renewalSeen counts what the old token opened.
type renewalSeen struct{ old, none, users atomic.Int64 }

// loginUnderFire logs one visitor in.
func (s *site) loginUnderFire(ctx context.Context, t *trial.Trial, seen *renewalSeen) error {
	v, err := s.enter(ctx, "cart", "old")
	if err != nil {
		return err
	}
	thief := visitor{site: s, token: v.token}
	over := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for last := false; !last; {
				select {
				case <-over:
					last = true // and one more, which begins after the login
				default:
				}
				s.peek(ctx, t, thief, seen, last)
			}
		})
	}
	v.token, err = s.login(ctx, v, "ann")
	close(over)
	wg.Wait()
	if err != nil {
		return err
	}
	var user, cart string
	_, err = v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
		user, cart = session.From(r).User(), text(r, "cart")
	})
	if user != "ann" || cart != "old" {
		t.Fail("%s: after the login the new token opens user %q, cart %q", s.transport, user, cart)
	}
	return err
}

// login makes a visitor's session a user's, with a secret, and returns its new token.
func (s *site) login(ctx context.Context, v *visitor, user string) (token string, err error) {
	var made string
	var failed error
	p, err := v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
		if failed = session.From(r).SetUser(user); failed != nil {
			return
		}
		if s.transport == "cookie" {
			failed = s.renew(r)
		} else {
			made, failed = s.generate(r)
		}
		if failed == nil {
			failed = session.From(r).Set("secret", user+"'s")
		}
	})
	if err == nil {
		err = failed
	}
	if token, _ := p.token(); token != "" {
		return token, err
	}
	return made, err
}

// peek reads with the old token.
func (s *site) peek(ctx context.Context, t *trial.Trial, thief visitor, seen *renewalSeen, after bool) {
	var user, cart, secret string
	_, err := thief.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
		user, cart, secret = session.From(r).User(), text(r, "cart"), text(r, "secret")
	})
	switch {
	case err != nil:
		t.Fail("%s: read with the old token: %v", s.transport, err)
	case user != "" || secret != "":
		seen.users.Add(1)
		t.Fail("%s: the token from before the login opens user %q, secret %q", s.transport, user, secret)
	case cart != "":
		seen.old.Add(1)
		if after {
			t.Fail("%s: the token from before the login is alive after it", s.transport)
		}
	default:
		seen.none.Add(1)
	}
}

// lateResponses has requests with the old token go on, or come, after the login: nothing they set
// is stored, no cookie of theirs gets to the client, and the login holds.
func lateResponses(ctx context.Context, t *trial.Trial) error {
	n := t.Size(300, 30)
	s, err := newSite(t, "cookie", session.Options{})
	if err != nil {
		return err
	}
	defer s.shut()
	for i := range n {
		if err := s.lateResponse(ctx, t, i%3); err != nil {
			return err
		}
	}
	t.Figure("late responses: %d requests with the old token that set, destroy or save after the login: 0 cookies, 0 logins undone%s", n, t.Unless())
	return nil
}

// lateResponse has a request under way during the login, and one that comes after it.
func (s *site) lateResponse(ctx context.Context, t *trial.Trial, kind int) error {
	v, err := s.enter(ctx, "cart", "old")
	if err != nil {
		return err
	}
	old := visitor{site: s, token: v.token}
	begun, loggedIn, slow := make(chan struct{}), make(chan struct{}), make(chan reply, 1)
	started := sync.OnceFunc(func() { close(begun) })
	go func() {
		defer started()
		slow <- old.actLate(ctx, t, kind, started, loggedIn) // there is room for it
	}()
	<-begun
	v.token, err = s.login(ctx, v, "ann")
	close(loggedIn)
	late := <-slow
	if err != nil {
		return err
	}
	return s.undone(ctx, t, v, late, old.actLate(ctx, t, kind, func() {}, loggedIn))
}

// actLate sends a request that waits for the login, and then sets, saves or destroys.
func (v visitor) actLate(ctx context.Context, t *trial.Trial, kind int, started func(), loggedIn <-chan struct{}) reply {
	p, err := v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
		s := session.From(r)
		text(r, "cart")
		started()
		<-loggedIn
		s.Set("cart", "late")
		switch kind {
		case 1:
			s.Destroy(r.Context())
		case 2:
			s.Save(r.Context())
		}
	})
	if err != nil {
		t.Fail("late response: %v", err)
	}
	return p
}

// undone looks whether late responses undid a login.
func (s *site) undone(ctx context.Context, t *trial.Trial, v *visitor, late ...reply) error {
	for _, p := range late {
		if lines := p.header["Set-Cookie"]; lines != nil {
			t.Fail("a late response has Set-Cookie: %d lines, status %d", len(lines), p.status)
		}
	}
	var user, cart string
	_, err := v.visit(ctx, func(_ http.ResponseWriter, r *http.Request) {
		user, cart = session.From(r).User(), text(r, "cart")
	})
	if user != "ann" || cart != "old" {
		t.Fail("after late responses the new token opens user %q, cart %q", user, cart)
	}
	return err
}
