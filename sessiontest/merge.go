package sessiontest

import (
	"fmt"
	"time"

	"github.com/boltsession/session"
)

func mergeChecks() []check {
	return []check{
		{"DifferentKeys", checkDifferentKeys},
		{"SameKey", checkSameKey},
		{"RemoveThenSet", checkRemoveThenSet},
		{"RemoveAll", checkRemoveAll},
		{"RemoveAllOfOthers", checkRemoveAllOfOthers},
		{"Remove", checkRemove},
		{"Metadata", checkMergeMeta},
		{"ManySavers", checkManySavers},
		{"OneStep", checkOneStep},
		{"Counter", checkCounter},
	}
}

const mergeWhy = "Save writes the keys in Changes and leaves all others as they are stored"

// checkDifferentKeys: two copies read at the same time both save, and nothing is lost.
func checkDifferentKeys(k *kit) {
	id := k.stored().ID()
	a, b := k.get(id, "cart"), k.get(id)
	set(k, a, "a", 1)
	set(k, k.component(a, "cart"), "a", 1)
	set(k, b, "b", 2)
	set(k, k.component(b, "cart"), "b", 2)
	set(k, k.component(b, "news"), "b", 2)
	k.save(a)
	k.save(b)
	found := k.get(id, "cart", "news")
	has(k, found, "kept", "kept", mergeWhy)
	has(k, found, "a", 1, mergeWhy)
	has(k, found, "b", 2, mergeWhy)
	has(k, k.component(found, "cart"), "a", 1, mergeWhy)
	has(k, k.component(found, "cart"), "b", 2, mergeWhy)
	has(k, k.component(found, "news"), "b", 2, mergeWhy)
}

// checkSameKey: of two savers of one key the last wins, and a stale copy writes nothing that it
// did not set.
func checkSameKey(k *kit) {
	id := k.stored().ID()
	a, b := k.get(id), k.get(id)
	set(k, a, "key", "a")
	set(k, b, "key", "b")
	set(k, b, "other", 1)
	k.save(b)
	k.save(a)
	has(k, k.get(id), "key", "a", "the last Save of a key wins")
	set(k, b, "other", 2)
	k.save(b)
	has(k, k.get(id), "key", "a", "a key that was saved is clean: call Session.Saved, and never write clean keys")
}

// checkRemoveThenSet: what was done last to a key is what is stored (RAIN's store lost it).
func checkRemoveThenSet(k *kit) {
	s := k.stored()
	set(k, s, "key", 1)
	k.save(s)
	s.Remove("key")
	set(k, s, "key", 2)
	k.save(s)
	has(k, k.get(s.ID()), "key", 2, "a key that was removed and then set is set")
	set(k, s, "key", 3)
	s.Remove("key")
	k.save(s)
	hasNot(k, k.get(s.ID()), "key", "a key that was set and then removed is removed")
}

// checkRemoveAll: set, remove all, set leaves the last set only.
func checkRemoveAll(k *kit) {
	const why = "ComponentChanges.Clear comes before Set and Removed"
	s := k.stored()
	cart := k.component(s, "cart")
	set(k, cart, "old", 1)
	k.save(s)
	set(k, s, "before", 1)
	s.RemoveAll()
	set(k, s, "after", 1)
	k.save(s)
	found := k.get(s.ID(), "cart")
	hasNot(k, found, "kept", why)
	hasNot(k, found, "before", why)
	has(k, found, "after", 1, why)
	has(k, k.component(found, "cart"), "old", 1, "RemoveAll is of one component")
	cart.RemoveAll()
	k.save(s)
	hasNot(k, k.component(k.get(s.ID(), "cart"), "cart"), "old", why)
	has(k, k.get(s.ID()), "after", 1, "RemoveAll is of one component")
}

// checkRemoveAllOfOthers: RemoveAll removes what others stored meanwhile.
func checkRemoveAllOfOthers(k *kit) {
	id := k.stored().ID()
	a, b := k.get(id), k.get(id)
	a.RemoveAll()
	set(k, b, "b", 1)
	k.save(b)
	k.save(a)
	found := k.get(id)
	hasNot(k, found, "b", "ComponentChanges.Clear removes all that is stored, what others stored meanwhile too")
	hasNot(k, found, "kept", "ComponentChanges.Clear removes all that is stored")
}

// checkRemove: a removed key is gone, and no other.
func checkRemove(k *kit) {
	id := k.stored().ID()
	a, b := k.get(id), k.get(id)
	set(k, a, "gone", 1)
	set(k, a, "stays", 1)
	k.save(a)
	a.Remove("gone", "never was")
	k.save(a)
	set(k, b, "b", 1)
	b.Remove("gone")
	k.save(b)
	found := k.get(id)
	hasNot(k, found, "gone", "ComponentChanges.Removed names the keys to remove")
	has(k, found, "stays", 1, mergeWhy)
	has(k, found, "b", 1, mergeWhy)
	has(k, found, "kept", "kept", mergeWhy)
}

// checkMergeMeta: a save with no change of the metadata leaves what another stored of it.
func checkMergeMeta(k *kit) {
	s := k.stored()
	a, b := k.get(s.ID()), k.get(s.ID())
	if err := a.SetMaxAge(5 * newMeta().MaxAge); err != nil {
		k.Fatal(err)
	}
	if err := a.SetUser("anna"); err != nil {
		k.Fatal(err)
	}
	k.save(a)
	set(k, b, "b", 1)
	k.save(b)
	found := k.get(s.ID())
	if found.MaxAge() != a.MaxAge() || found.User() != "anna" {
		k.Errorf("max age and user are %v and %q, want %v and \"anna\": a nil Changes.Meta leaves the metadata as it is stored",
			found.MaxAge(), found.User(), a.MaxAge())
	}
	has(k, found, "kept", "kept", "a change of the metadata leaves the values")
}

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
		for n := 1; n <= 300 && time.Since(begin) < patience; n++ {
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
