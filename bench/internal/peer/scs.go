package peer

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
)

const (
	lifetime    = 24 * time.Hour   // what scs's documentation shows
	idleTimeout = 20 * time.Minute // the same
)

// scsApp is an app over scs and one of its stores.
type scsApp struct {
	http.Handler
	manager *scs.SessionManager
	shape   Shape
}

// newSCS returns the app. idle is scs's IdleTimeout; its other settings are its defaults.
func newSCS(o Options, store scs.Store, idle time.Duration) scsApp {
	manager := scs.New()
	manager.Store, manager.Lifetime, manager.IdleTimeout = store, lifetime, idle
	mux := newApp(o).mux(func(_ http.ResponseWriter, r *http.Request) (Session, error) {
		return scsSession{manager, r.Context()}, nil
	})
	return scsApp{manager.LoadAndSave(mux), manager, o.Shape}
}

// fill puts n sessions into a store, encoded as scs does.
func (a scsApp) fill(from, n int, life time.Duration, put func(token string, blob []byte, expiry time.Time) error) ([]string, error) {
	if life == 0 {
		life = a.manager.Lifetime
	}
	cookies := make([]string, n)
	for i := range cookies {
		values := map[string]any{views: 1, "user": UserName(from + i)}
		a.shape.each(from+i, func(part, key, value string) { values[scsKey(part, key)] = value })
		expiry := time.Now().Add(life).UTC()
		blob, err := a.manager.Codec.Encode(expiry, values)
		if err != nil {
			return nil, err
		}
		token := rand.Text() + rand.Text()[:17] // as long as those of scs
		if err := put(token, blob, expiry); err != nil {
			return nil, err
		}
		cookies[i] = a.manager.Cookie.Name + "=" + token
	}
	return cookies, nil
}

// All reads all sessions, as scs's Iterate does before it decodes them.
func (a scsApp) All() (int, error) {
	all, err := a.manager.Store.(scs.IterableStore).All()
	return len(all), err
}

// scsSession is the session of a request. scs has no components: their keys get a prefix.
type scsSession struct {
	manager *scs.SessionManager
	ctx     context.Context
}

func scsKey(part, key string) string {
	if part == "" {
		return key
	}
	return part + "." + key
}

func (s scsSession) Text(part, key string) string {
	return s.manager.GetString(s.ctx, scsKey(part, key))
}

func (s scsSession) SetText(part, key, value string) error {
	s.manager.Put(s.ctx, scsKey(part, key), value)
	return nil
}

func (s scsSession) Number(key string) int { return s.manager.GetInt(s.ctx, key) }

func (s scsSession) Add(key string) (int, error) {
	n := s.manager.GetInt(s.ctx, key) + 1
	s.manager.Put(s.ctx, key, n)
	return n, nil
}

func (s scsSession) SignIn(user string) error {
	if err := s.manager.RenewToken(s.ctx); err != nil {
		return err
	}
	s.manager.Put(s.ctx, "user", user)
	return nil
}

func (s scsSession) SignOut() error { return s.manager.Destroy(s.ctx) }

// Save does nothing: LoadAndSave commits before the first byte leaves.
func (s scsSession) Save() error { return nil }
