package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Generate starts the request's session, or renews it, and returns its token for the app to
// hand out; it is stored even when nothing is set. On token transports it is the way to start
// a session (express-token-session's generate), to renew it at login, and to start an empty
// one after Destroy. It returns ErrHeadersSent once the response has begun.
func (m *Manager) Generate(r *http.Request) (token string, err error) {
	x := m.exchangeOf(r.Context())
	if x == nil {
		return "", errors.New("session: Generate: the request did not come through this Manager's Handler")
	}
	return x.generate(r.Context())
}

// generate is Manager.Generate.
func (x *exchange) generate(ctx context.Context) (string, error) {
	x.use()
	if err := x.canMove(); err != nil {
		return "", err
	}
	s := x.session()
	if x.destroyed() {
		if err := s.regenerate(ctx); err != nil {
			return "", fmt.Errorf("generate token: %w", err)
		}
	}
	if s.keepNew() {
		return x.tell(), nil
	}
	token, err := s.renew(ctx)
	if err != nil {
		return "", fmt.Errorf("generate token: %w", err)
	}
	return token, nil
}

// destroyed says whether the handler itself ended the session.
func (x *exchange) destroyed() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.over
}

// tell returns the token of a new session for the app to hand out.
func (x *exchange) tell() string {
	token := x.keepNew()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.told = true
	return token
}
