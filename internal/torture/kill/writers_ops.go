//go:build linux

package kill

import (
	"context"
	"strconv"
	"sync/atomic"

	"github.com/boltsession/session"
)

// plan chooses an op for a slot: what it does, what the session is afterwards, and where it counts.
func (w *writer) plan(i int, p promise, t *tally) (op func(context.Context) error, will entry, count *atomic.Uint64) {
	was, n := p.was, p.op+1
	will = was
	switch r := w.rand.IntN(100); {
	case isShared(i):
		will = entry{alive: true, a: n}
		return func(ctx context.Context) error { return w.share(ctx, n) }, will, &t.saves
	case !was.alive:
		will = entry{id: n, a: n, b: n, alive: true}
		return func(ctx context.Context) error { return w.create(ctx, i, will) }, will, &t.saves
	case r < 10:
		will.alive = false
		return func(ctx context.Context) error { return w.store.Destroy(ctx, slotID(i, was.id)) }, will, &t.destroys
	case r < 20:
		will.id, will.a = n, n
		return func(ctx context.Context) error { return w.renew(ctx, i, was, will) }, will, &t.renewals
	case r < 45:
		will.a = n
	case r < 70:
		will.b = n
	default:
		will.a, will.b = n, n
	}
	return func(ctx context.Context) error { return w.update(ctx, i, was, will) }, will, &t.saves
}

func (w *writer) create(ctx context.Context, i int, will entry) error {
	s, err := w.store.Create(ctx, slotID(i, will.id))
	if err != nil {
		return err
	}
	if err := s.SetUser(slotUser(i)); err != nil {
		return err
	}
	if err := change(ctx, s, entry{}, will); err != nil {
		return err
	}
	return w.store.Save(ctx, s)
}

func (w *writer) update(ctx context.Context, i int, was, will entry) error {
	s, err := w.changed(ctx, i, was, will)
	if err != nil {
		return err
	}
	return w.store.Save(ctx, s)
}

func (w *writer) renew(ctx context.Context, i int, was, will entry) error {
	s, err := w.changed(ctx, i, was, will)
	if err != nil {
		return err
	}
	return w.store.Renew(ctx, s, slotID(i, will.id))
}

// changed gets a slot's session and changes it. Now and then it reads no component in advance: they
// are loaded when they are asked for.
func (w *writer) changed(ctx context.Context, i int, was, will entry) (*session.Session, error) {
	var names []string
	if w.rand.IntN(2) == 0 {
		names = []string{"cart", "prefs"}
	}
	s, err := w.store.Get(ctx, slotID(i, was.id), names...)
	if err != nil {
		return nil, err
	}
	return s, change(ctx, s, was, will)
}

// share changes the writer's own two keys in the session that all writers have.
func (w *writer) share(ctx context.Context, n uint64) error {
	s, err := w.store.Get(ctx, sharedSession, "cart")
	if err != nil {
		return err
	}
	cart, err := s.Component(ctx, "cart")
	if err != nil {
		return err
	}
	key := sharedKey(w.n)
	if err := s.Set(key, sharedValue(key, n)); err != nil {
		return err
	}
	if err := cart.Set(key, sharedValue(key, n)); err != nil {
		return err
	}
	return w.store.Save(ctx, s)
}

func sharedKey(writer int) string { return "of " + strconv.Itoa(writer) }
