//go:build linux

package hostile

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/naive"
)

// adopting is a session middleware as one would write it in an afternoon, over the naive store:
// the client's ID is the session's, whatever it is and wherever it comes from, and is stored as it
// is; each visitor gets a record; sessions are saved whole, after the response; nobody renews
// anything, looks at times, or tells caches. Negative controls serve it.
type adopting struct {
	store     *naive.Store
	transport string

	mu       sync.Mutex
	visitors [][]byte // something is kept in memory of each
}

// tokenKey is the context key of the token that a request ended up with.
type tokenKey struct{}

func (a *adopting) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := a.token(r)
		if token == "" {
			token = (rand.Text() + rand.Text())[:42] + "A"
		}
		a.send(w.Header(), token)
		s, err := a.session(r.Context(), token)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		ctx := context.WithValue(r.Context(), tokenKey{}, token)
		next.ServeHTTP(w, r.WithContext(session.NewContext(ctx, s)))
		a.save(s)
	})
}

// renew does not.
func (a *adopting) renew(*http.Request) error { return nil }

// generate makes nothing either.
func (a *adopting) generate(r *http.Request) (string, error) {
	return r.Context().Value(tokenKey{}).(string), nil
}

// token takes the first that comes, from the URL too.
func (a *adopting) token(r *http.Request) string {
	if token := r.FormValue("sid"); token != "" {
		return token
	}
	c, _ := r.Cookie("sid")
	switch {
	case a.transport == "header":
		return r.Header.Get("X-Auth-Token")
	case a.transport == "bearer":
		return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	case c != nil:
		return c.Value
	}
	return ""
}

func (a *adopting) send(h http.Header, token string) {
	if a.transport == "cookie" {
		h.Add("Set-Cookie", "sid="+token)
	} else {
		h.Set("X-Auth-Token", token)
	}
}

// session returns the session that the client names. It has one as soon as it asks.
func (a *adopting) session(ctx context.Context, token string) (*session.Session, error) {
	id := rawID(token)
	s, err := a.store.Get(ctx, id)
	if !errors.Is(err, session.ErrNotFound) {
		return s, err
	}
	if s, err = a.store.Create(ctx, id); err != nil {
		return nil, err
	}
	a.mu.Lock()
	a.visitors = append(a.visitors, make([]byte, 8<<10))
	a.mu.Unlock()
	return s, a.store.Save(ctx, s)
}

// save writes the whole session, also when there is none any more.
func (a *adopting) save(s *session.Session) {
	ctx := context.Background()
	if err := a.store.Save(ctx, s); !errors.Is(err, session.ErrNotFound) || len(s.Keys()) == 0 {
		return
	}
	whole, err := a.store.Create(ctx, s.ID())
	if err != nil {
		return
	}
	for _, key := range s.Keys() {
		var v any
		if s.Get(key, &v) == nil {
			whole.Set(key, v)
		}
	}
	whole.SetUser(s.User())
	a.store.Save(ctx, whole)
}

// rawID is the token itself, not what is left of it after hashing.
func rawID(token string) (id session.ID) {
	if b, err := base64.RawURLEncoding.DecodeString(token); err == nil && len(b) == len(id) {
		return session.ID(b)
	}
	copy(id[:], token)
	return id
}
