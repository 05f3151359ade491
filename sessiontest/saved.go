package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/boltsession/session"
)

func savedChecks() []check {
	return []check{
		{"Visible", checkVisible},
		{"SetDuringSave", checkSetDuringSave},
		{"ManyOnOneHandle", checkManyOnOneHandle},
		{"Cancelled", checkCancelled},
		{"DeadlineExceeded", checkDeadline},
	}
}

// checkVisible: what was saved is there for the next Get, also when others save.
func checkVisible(k *kit) {
	id := k.stored().ID()
	err := together(times(6, func(i int) func() error {
		key := session.Key[int](fmt.Sprint("key ", i))
		return func() error {
			for n := range 25 {
				if err := k.saveAndLook(id, key, n); err != nil {
					return err
				}
			}
			return nil
		}
	})...)
	if err != nil {
		k.Error(err)
	}
}

func (k *kit) saveAndLook(id session.ID, key session.Key[int], n int) error {
	s, err := k.store.Get(k.ctx, id)
	if err != nil {
		return err
	}
	if err := key.Set(s, n); err != nil {
		return err
	}
	if err := k.store.Save(k.ctx, s); err != nil {
		return err
	}
	found, err := k.store.Get(k.ctx, id)
	if err != nil {
		return err
	}
	if got, ok := key.Get(found); !ok || got != n {
		return fmt.Errorf("Get after Save has %d, %t, want %d: Save returns nil only when all that was dirty is stored, and every Get sees it then", got, ok, n)
	}
	return nil
}

// checkSetDuringSave: a key that is set while a save is under way stays dirty.
func checkSetDuringSave(k *kit) {
	s := k.stored()
	n := 0
	k.rounds(500, 1, func() error {
		n++
		setter := func() error {
			for i := range 5 {
				if err := s.Set(fmt.Sprint("key ", i), n); err != nil {
					return err
				}
				runtime.Gosched()
			}
			return nil
		}
		if err := together(setter, func() error { return k.store.Save(k.ctx, s) }); err != nil {
			return err
		}
		if err := k.store.Save(k.ctx, s); err != nil {
			return err
		}
		found, err := k.store.Get(k.ctx, s.ID())
		if err != nil {
			return err
		}
		for i := range 5 {
			if got, _ := session.Key[int](fmt.Sprint("key ", i)).Get(found); got != n {
				return fmt.Errorf("a key that was set during a Save has %d after the next Save, want %d: pass Session.Saved the very Changes that were stored, not newer ones", got, n)
			}
		}
		return nil
	})
}

// checkManyOnOneHandle: the saves of one handle by many goroutines, as of one live session.
func checkManyOnOneHandle(k *kit) {
	proxy := session.NewProxyStore(func() (session.Store, error) { return k.store, nil }, nil)
	s, release, err := proxy.Acquire(k.ctx, k.stored().ID())
	if err != nil {
		k.Fatalf("Acquire: %v", err)
	}
	defer release()
	err = together(times(8, func(i int) func() error {
		return func() error {
			key := session.Key[int](fmt.Sprint("key ", i))
			for n := range 20 {
				if err := key.Set(s, n); err != nil {
					return err
				}
				if err := s.Save(k.ctx); err != nil {
					return err
				}
				found, err := k.store.Get(k.ctx, s.ID())
				if err != nil {
					return err
				}
				if got, _ := key.Get(found); got != n {
					return fmt.Errorf("Get after Save of a live session has %d, want %d: Save returns nil only when all that was dirty is stored", got, n)
				}
			}
			return nil
		}
	})...)
	if err != nil {
		k.Error(err)
	}
}

// checkCancelled: with a context that is done, no method does anything.
func checkCancelled(k *kit) {
	v := k.victims()
	touched := k.get(v.stored.ID()).LastAccess()
	cancelled, cancel := context.WithCancel(k.ctx)
	cancel()
	for _, call := range k.calls(v) {
		k.is(call.name+" with a cancelled context", call.do(cancelled), context.Canceled, "look at the context before starting to work")
	}
	found := k.get(v.stored.ID())
	hasNot(k, found, "dirty", "a Save whose context was done stores nothing")
	if !found.LastAccess().Equal(touched) {
		k.Error("a Touch whose context was done moved the last access")
	}
	k.gone(v.fresh.ID(), "it was only saved with a context that was done")
	k.gone(v.to, "a Renew whose context was done moves nothing")
	if reapable, ok := session.As[session.Reapable](k.store); ok {
		if n, err := reapable.Reap(k.ctx); n != 1 || err != nil {
			k.Errorf("Reap gave %d, %v, want the one expired session: a Reap whose context was done reaps nothing", n, err)
		}
	}
	if !v.stored.IsDirty() || !v.fresh.IsNew() {
		k.Error("a session is clean after a Save that stored nothing: call Session.Saved only when it is stored")
	}
	k.save(v.stored)
	k.save(v.fresh)
	has(k, k.get(v.stored.ID()), "dirty", 1, "after a clean failure Save can be tried again")
	has(k, k.get(v.fresh.ID()), "dirty", 1, "after a clean failure Save can be tried again")
}

func checkDeadline(k *kit) {
	s := k.stored()
	set(k, s, "late", 1)
	late, cancel := context.WithDeadline(k.ctx, time.Now().Add(-time.Hour))
	defer cancel()
	if err := k.store.Save(late, s); !errors.Is(err, context.DeadlineExceeded) {
		k.Errorf("Save after the deadline of its context gave %v, want context.DeadlineExceeded", err)
	}
	hasNot(k, k.get(s.ID()), "late", "a Save whose context was done stores nothing")
}
