package sessiontest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
)

func closedChecks() []check {
	return []check{
		{"AfterClose", checkAfterClose},
		{"CloseAgain", checkCloseAgain},
		{"CloseWhileBusy", checkCloseWhileBusy},
		{"Concurrency", checkConcurrency},
	}
}

func checkAfterClose(k *kit) {
	v := k.victims()
	if err := k.store.Close(); err != nil {
		k.Fatalf("Close: %v", err)
	}
	for _, call := range k.calls(v) {
		k.is(call.name+" after Close", call.do(k.ctx), session.ErrClosed, "every method of a closed store says so")
	}
	if !v.fresh.IsNew() || !v.fresh.IsDirty() || !v.stored.IsDirty() {
		k.Error("a session is clean after a Save on a closed store: call Session.Saved only when it is stored")
	}
	if notifier, ok := session.As[session.Notifier](k.store); ok {
		notifier.OnDestroy(func(session.ID, session.Reason) {})() // must not panic
	}
}

func checkCloseAgain(k *kit) {
	k.stored()
	if err := together(k.store.Close, k.store.Close, k.store.Close); err != nil {
		k.Errorf("Close called three times at once gave %v, want nil of each", err)
	}
	if err := k.store.Close(); err != nil {
		k.Errorf("Close of a closed store gave %v, want nil", err)
	}
}

// checkCloseWhileBusy: a close amid work is no other error than ErrClosed, and no panic.
func checkCloseWhileBusy(k *kit) {
	var closed atomic.Bool
	busy := func(work func() error) func() error {
		return func() error {
			for {
				over := closed.Load()
				err := work()
				switch {
				case errors.Is(err, session.ErrClosed):
					return nil
				case err != nil || over:
					return fmt.Errorf("a call while Close ran, or after it, gave %v, want ErrClosed if it did not do its work", err)
				}
			}
		}
	}
	s := k.stored()
	saver := busy(func() error {
		_, err := k.tryStored()
		return err
	})
	merger := busy(func() error { return k.saveAndLook(s.ID(), "key", 1) })
	ender := busy(func() error { return k.store.Destroy(k.ctx, newID()) })
	closer := func() error {
		defer closed.Store(true)
		for range 20 {
			if _, err := k.tryStored(); err != nil {
				return err
			}
		}
		return k.store.Close()
	}
	if err := together(saver, saver, merger, ender, closer); err != nil {
		k.Error(err)
	}
}

// checkConcurrency calls every method from many goroutines, for the race detector to watch.
func checkConcurrency(k *kit) {
	var ids []session.ID
	for range 3 {
		ids = append(ids, k.stored(ofUser("anna")).ID())
	}
	err := together(times(6, func(i int) func() error {
		return func() error {
			for n := range 20 {
				if err := k.everything(ids[(i+n)%len(ids)]); err != nil {
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

// everything calls every method of the store for a session that others use and end, too.
func (k *kit) everything(id session.ID) error {
	s, err := k.store.Get(k.ctx, id, "cart")
	if err != nil {
		s = session.NewSession(k.store, id, newMeta(ofUser("anna")))
	}
	if err := s.Set("key", time.Now().UnixNano()); err != nil {
		return err
	}
	for _, call := range k.calls(victims{stored: s, fresh: session.NewSession(k.store, newID(), newMeta()), to: newID()}) {
		err := call.do(k.ctx)
		if err != nil && !errors.Is(err, session.ErrNotFound) && !errors.Is(err, session.ErrExists) {
			return fmt.Errorf("%s: %w", call.name, err)
		}
	}
	return nil
}
