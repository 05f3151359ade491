package sessiontest

import (
	"fmt"
	"time"

	"github.com/boltsession/session"
)

// checkManySavers: copies on many goroutines, each with keys of its own.
func checkManySavers(k *kit) {
	const savers, saves = 8, 12
	id := k.stored().ID()
	err := together(times(savers, func(i int) func() error {
		return func() error {
			for j := range saves {
				s, err := k.store.Get(k.ctx, id)
				if err != nil {
					return err
				}
				if err := s.Set(fmt.Sprint(i, "-", j), j); err != nil {
					return err
				}
				if err := k.store.Save(k.ctx, s); err != nil {
					return err
				}
			}
			return nil
		}
	})...)
	if err != nil {
		k.Fatal(err)
	}
	found := k.get(id)
	for i := range savers {
		for j := range saves {
			has(k, found, fmt.Sprint(i, "-", j), j, "Save reads, merges and writes in one atomic step")
		}
	}
}

// checkOneStep: nobody sees half of a save.
func checkOneStep(k *kit) {
	id := k.stored().ID()
	write := func(n int) error {
		s, err := k.store.Get(k.ctx, id, "cart")
		if err != nil {
			return err
		}
		cart, err := s.Component(k.ctx, "cart")
		if err != nil {
			return err
		}
		for _, v := range []session.Values{s, cart} {
			for _, key := range []session.Key[int]{"a", "b"} {
				if err := key.Set(v, n); err != nil {
					return err
				}
			}
		}
		return k.store.Save(k.ctx, s)
	}
	if err := write(0); err != nil {
		k.Fatal(err)
	}
	written := make(chan struct{})
	writer := func() error {
		defer close(written)
		begin := time.Now()
		for n := 1; n <= 300 && time.Since(begin) < patience(300); n++ {
			if err := write(n); err != nil {
				return err
			}
		}
		return nil
	}
	reader := func() error {
		for {
			if err := k.whole(id); err != nil {
				return err
			}
			select {
			case <-written:
				return nil
			default:
			}
		}
	}
	if err := together(writer, reader, reader); err != nil {
		k.Error(err)
	}
}

// whole returns an error if a copy of the session has a part of a save only.
func (k *kit) whole(id session.ID) error {
	s, err := k.store.Get(k.ctx, id, "cart")
	if err != nil {
		return err
	}
	cart, err := s.Component(k.ctx, "cart")
	if err != nil {
		return err
	}
	a, _ := session.Key[int]("a").Get(s)
	for _, key := range []session.Key[int]{"a", "b"} {
		in, _ := key.Get(s)
		inCart, _ := key.Get(cart)
		if in != a || inCart != a {
			return fmt.Errorf("Get saw half of a Save: write all components of a session in one transaction, and read them in one")
		}
	}
	return nil
}

// checkCounter: through a ProxyStore, counting in parallel is exact.
func checkCounter(k *kit) {
	const workers, each = 8, 40
	proxy := session.NewProxyStore(func() (session.Store, error) { return k.store, nil }, nil)
	id := k.stored().ID()
	err := together(times(workers, func(int) func() error {
		return func() error {
			for range each {
				if err := k.count(proxy, id); err != nil {
					return err
				}
			}
			return nil
		}
	})...)
	if err != nil {
		k.Fatal(err)
	}
	has(k, k.get(id), "count", workers*each, "all changes of a key that were saved are stored, in their order")
}

// count adds one to the key "count" of a live session.
func (k *kit) count(proxy *session.ProxyStore, id session.ID) error {
	s, release, err := proxy.Acquire(k.ctx, id)
	if err != nil {
		return err
	}
	defer release()
	if _, err := session.Key[int]("count").Update(s, func(n int) int { return n + 1 }); err != nil {
		return err
	}
	return s.Save(k.ctx)
}
