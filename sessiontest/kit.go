package sessiontest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// kit is what one check works with: its test, and a store that is empty.
type kit struct {
	*testing.T
	store session.Store
	ctx   context.Context
	open  func(*testing.T) session.Store
}

// newKit opens a store for a check.
func newKit(t *testing.T, open func(*testing.T) session.Store) *kit {
	t.Helper()
	k := &kit{T: t, ctx: t.Context(), open: open, store: open(t)}
	t.Cleanup(k.close)
	return k
}

// close closes the store.
func (k *kit) close() {
	k.Helper()
	if err := k.store.Close(); err != nil {
		k.Errorf("Close: %v", err)
	}
}

// reopen closes the store and opens it again.
func (k *kit) reopen() {
	k.Helper()
	k.close()
	k.store = k.open(k.T)
}

// must returns the optional interface T of the store, which was found before.
func must[T any](k *kit) T {
	k.Helper()
	v, ok := session.As[T](k.store)
	if !ok {
		k.Fatalf("session.As finds no %v in this store, but did in the first that open returned: return stores of one kind", reflect.TypeFor[T]())
	}
	return v
}

// newID returns an ID that no session has.
func newID() session.ID { return session.TokenID(rand.Text()) }

// newMeta returns the metadata of a session in mid-life, edited.
func newMeta(edit ...func(*session.Meta)) session.Meta {
	now := time.Now().Round(0).UTC()
	meta := session.Meta{
		Created:     now.Add(-2 * time.Hour),
		LastAccess:  now.Add(-time.Hour),
		End:         now.Add(100 * time.Hour),
		MaxAge:      3 * time.Hour,
		Salt:        []byte(rand.Text())[:16],
		Fingerprint: []byte(rand.Text() + rand.Text())[:32],
	}
	for _, f := range edit {
		f(&meta)
	}
	return meta
}

// idleFor has the session last accessed so long ago.
func idleFor(d time.Duration) func(*session.Meta) {
	return func(m *session.Meta) { m.LastAccess = time.Now().Round(0).UTC().Add(-d) }
}

// ofUser has the session belong to user.
func ofUser(user string) func(*session.Meta) { return func(m *session.Meta) { m.User = user } }

// expired has the session past its idle timeout.
var expired = idleFor(4 * time.Hour)

// tryStored stores a new session that has the value "kept" under the key "kept".
func (k *kit) tryStored(edit ...func(*session.Meta)) (*session.Session, error) {
	s := session.NewSession(k.store, newID(), newMeta(edit...))
	if err := s.Set("kept", "kept"); err != nil {
		return nil, fmt.Errorf("Set on a new session: %w", err)
	}
	if err := k.store.Save(k.ctx, s); err != nil {
		return nil, fmt.Errorf("Save of a new session: %w", err)
	}
	return s, nil
}

// stored stores a new session that has the value "kept" under the key "kept".
func (k *kit) stored(edit ...func(*session.Meta)) *session.Session {
	k.Helper()
	s, err := k.tryStored(edit...)
	if err != nil {
		k.Fatal(err)
	}
	return s
}

// save saves s.
func (k *kit) save(s *session.Session) {
	k.Helper()
	if err := k.store.Save(k.ctx, s); err != nil {
		k.Fatalf("Save: %v", err)
	}
}

// get reads a copy of the session.
func (k *kit) get(id session.ID, components ...string) *session.Session {
	k.Helper()
	s, err := k.store.Get(k.ctx, id, components...)
	if err != nil {
		k.Fatalf("Get of a session that is stored: %v", err)
	}
	if s == nil {
		k.Fatal("Get of a session that is stored gave neither a session nor an error")
	}
	if s.ID() != id {
		k.Fatalf("Get returned the session %s, want %s", s.ID().Short(), id.Short())
	}
	return s
}

// gone checks that there is no session under id; why says what ended it and what to do.
func (k *kit) gone(id session.ID, why string) {
	k.Helper()
	if _, err := k.store.Get(k.ctx, id); !errors.Is(err, session.ErrNotFound) {
		k.Errorf("Get gave %v, want ErrNotFound: %s", err, why)
	}
}

// is checks that a call's error is want; why says what to do about it.
func (k *kit) is(call string, err, want error, why string) {
	k.Helper()
	if !errors.Is(err, want) {
		k.Errorf("%s gave %v, want %v: %s", call, err, want, why)
	}
}

// component returns a component of s.
func (k *kit) component(s *session.Session, name string) *session.Component {
	k.Helper()
	c, err := s.Component(k.ctx, name)
	if err != nil {
		k.Fatalf("Component: %v", err)
	}
	return c
}

// set sets a value.
func set[T any](k *kit, v session.Values, key string, value T) {
	k.Helper()
	if err := session.Key[T](key).Set(v, value); err != nil {
		k.Fatalf("Set: %v", err)
	}
}

// has checks that key has the value want; why says what it proves.
func has[T comparable](k *kit, v session.Values, key string, want T, why string) {
	k.Helper()
	got, ok := session.Key[T](key).Get(v)
	switch {
	case !ok:
		k.Errorf("the key %q has no value, want %v: %s", key, want, why)
	case got != want:
		k.Errorf("the key %q has the value %v, want %v: %s", key, got, want, why)
	}
}

// hasNot checks that key has no value; why says what it proves.
func hasNot(k *kit, v session.Values, key, why string) {
	k.Helper()
	if got, ok := session.Key[any](key).Get(v); ok {
		k.Errorf("the key %q has the value %v, want none: %s", key, got, why)
	}
}

// metaOf returns the metadata of a copy of the session, all of it: a change of the max age
// shows it, which is not saved.
func metaOf(s *session.Session) session.Meta {
	maxAge := s.MaxAge()
	if s.SetMaxAge(maxAge+time.Second) != nil {
		return session.Meta{}
	}
	meta := *s.Changes().Meta
	meta.MaxAge = maxAge
	return meta
}
