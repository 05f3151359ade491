package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// unwrapping is a store before another one.
type unwrapping struct{ Store }

func (u unwrapping) Unwrap() Store { return u.Store }

// touching is a store that can touch as well as what is behind it.
type touching struct{ unwrapping }

func (touching) Touch(context.Context, ID, time.Time) error { return errors.ErrUnsupported }

func TestAsWalksTheChain(t *testing.T) {
	m := NewMemoryStore(nil)
	if got, ok := As[Lister](unwrapping{unwrapping{m}}); !ok || got != Lister(m) {
		t.Errorf("two steps down: %v, %v", got, ok)
	}
	outer := touching{unwrapping{m}}
	if got, ok := As[Toucher](unwrapping{outer}); !ok || got != Toucher(outer) {
		t.Errorf("the first of two: %v, %v", got, ok)
	}
	if got, ok := As[*MemoryStore](outer); !ok || got != m {
		t.Errorf("a concrete type: %v, %v", got, ok)
	}
	for name, s := range map[string]Store{"no store": nil, "nothing behind": unwrapping{nil}, "not unwrapping": struct{ Store }{m}} {
		if _, ok := As[Lister](s); ok {
			t.Errorf("%s can list", name)
		}
	}
	p := NewProxyStore(func() (Store, error) { return unwrapping{m}, nil }, nil)
	if _, ok := As[UserIndex](p); !ok {
		t.Error("what is behind a ProxyStore is not found")
	}
}

func TestReasonStrings(t *testing.T) {
	want := map[Reason]string{
		0: "unknown", Destroyed: "destroyed", Expired: "expired", Renewed: "renewed",
		Cleared: "cleared", Revoked: "revoked", Damaged: "damaged", Damaged + 1: "unknown", -1: "unknown",
	}
	for r, s := range want {
		equal(t, fmt.Sprintf("Reason(%d)", int(r)), r.String(), s)
	}
}

func TestMetaExpiry(t *testing.T) {
	at := time.Unix(1000, 0)
	m := Meta{LastAccess: at, MaxAge: time.Minute, End: at.Add(time.Hour)}
	equal(t, "idle", m.ExpiresAt(), at.Add(time.Minute))
	equal(t, "just not", m.Expired(at.Add(time.Minute-1)), false)
	equal(t, "just", m.Expired(at.Add(time.Minute)), true)
	m.LastAccess = at.Add(time.Hour - time.Second)
	equal(t, "end", m.ExpiresAt(), m.End)
	m.MaxAge = 1<<63 - 1
	equal(t, "end, with the longest age", m.ExpiresAt(), m.End)
}

func TestErrorsTellNoKey(t *testing.T) {
	cause := errors.New("cause")
	err := error(&DecodeError{Component: "secret-a", Key: "secret-b", Type: "int", Err: cause})
	wantErr(t, err, cause)
	if strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "int") {
		t.Errorf("message: %v", err)
	}
	corrupt := (&CorruptError{Path: "sessions.db", Page: 7, Problem: "it is torn"}).Error()
	for _, part := range []string{"sessions.db", "page 7", "it is torn", "backup", "MoveAside"} {
		if !strings.Contains(corrupt, part) {
			t.Errorf("%q is not in: %s", part, corrupt)
		}
	}
	if strings.Contains((&CorruptError{Path: "p", Problem: "q"}).Error(), "page") {
		t.Error("no page is named one")
	}
}

// countingStore embeds a store of this package and saves in its own way.
type countingStore struct {
	*MemoryStore
	saves, touches *int
}

func (c countingStore) Save(ctx context.Context, s *Session) error {
	*c.saves++
	return c.MemoryStore.Save(ctx, s)
}

func (c countingStore) Touch(ctx context.Context, id ID, at time.Time) error {
	*c.touches++
	return c.MemoryStore.Touch(ctx, id, at)
}

func TestStoreThatEmbedsOneIsNotPassedOver(t *testing.T) {
	c := countingStore{NewMemoryStore(nil), new(int), new(int)}
	m, err := New(c, nil)
	must(t, err)
	p := m.Store()
	id := stored(t, p, 1)
	equal(t, "saves of a copy", *c.saves, 1)
	s := acquire(t, p, id)
	must(t, count.Set(s, 2))
	must(t, s.Save(t.Context()))
	equal(t, "saves of a live session", *c.saves, 2)
	equal(t, "dirty", s.IsDirty(), false)
	s.Touch()
	equal(t, "touches", *c.touches, 1)
}

func TestStoreHasOneProxy(t *testing.T) {
	store := NewMemoryStore(nil)
	a, err := New(store, nil)
	must(t, err)
	b, err := New(store, nil)
	must(t, err)
	c, err := New(a.Store(), nil)
	must(t, err)
	if a.Store() != b.Store() || a.Store() != c.Store() {
		t.Error("a MemoryStore has several ProxyStores")
	}
}

// Its ProxyStore being closed is no reason for a store to take itself for another one.
func TestStoreSaveAfterItsProxyIsClosed(t *testing.T) {
	store := NewMemoryStore(nil)
	s := NewSession(store, randomID(), newMeta(now(), DefaultMaxAge, DefaultLifetime))
	must(t, store.proxy().Close()) // it was never opened: the store stays open
	must(t, store.Save(t.Context(), s))
	must(t, store.Close())
	must(t, count.Set(s, 1))
	wantErr(t, store.Save(t.Context(), s), ErrClosed)
	wantErr(t, s.Save(t.Context()), ErrClosed)
}

// A store of its own may look at the session it is given, but what it does to it is its own.
type meddling struct{ Store }

func (m meddling) Save(ctx context.Context, s *Session) error {
	if n, _ := count.Get(s); n == 3 {
		return errors.Join(count.Set(s, 4), ErrFull)
	}
	return m.Store.Save(ctx, s)
}

func TestStoreGetsACopyToSave(t *testing.T) {
	p := NewProxyStore(func() (Store, error) { return meddling{NewMemoryStore(nil)}, nil }, nil)
	s := acquire(t, p, stored(t, p, 1))
	must(t, count.Set(s, 3))
	wantErr(t, s.Save(t.Context()), ErrFull)
	n, _ := count.Get(s)
	equal(t, "count", n, 3)
	must(t, count.Set(s, 2))
	must(t, s.Save(t.Context()))
	equal(t, "count in the store", countIn(t, p, s.ID()), 2)
}

func TestProxyOfAProxy(t *testing.T) {
	inner := NewProxyStore(nil, nil)
	p := NewProxyStore(func() (Store, error) { return inner, nil }, nil)
	s := acquire(t, p, stored(t, p, 1))
	must(t, count.Set(s, 2))
	must(t, s.Save(t.Context()))
	equal(t, "count", countIn(t, inner, s.ID()), 2)
	must(t, inner.Destroy(t.Context(), s.ID()))
	isEnded(t, s, 2)
}
