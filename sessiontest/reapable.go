package sessiontest

import (
	"time"

	"github.com/boltsession/session"
)

func reapableChecks() []check {
	return []check{
		{"Reap", checkReap},
		{"MaxAgeChanged", checkReapMaxAge},
		{"ReapAgainstSave", checkReapAgainstSave},
	}
}

// reap checks how many sessions Reap deletes.
func (k *kit) reap(want int, why string) {
	k.Helper()
	n, err := must[session.Reapable](k).Reap(k.ctx)
	if err != nil || n != want {
		k.Errorf("Reap gave %d, %v, want %d: %s", n, err, want, why)
	}
}

func checkReap(k *kit) {
	k.reap(0, "the store is empty")
	live := k.stored(ofUser("anna"))
	set(k, k.component(live, "cart"), "item", 1)
	k.save(live)
	k.reap(0, "no session is expired")
	old := session.NewSession(k.store, newID(), newMeta(expired, ofUser("anna")))
	set(k, k.component(old, "cart"), "item", 1)
	k.save(old)
	set(k, old, "kept", "kept")
	k.is("Save of an expired session", k.store.Save(k.ctx, old), session.ErrNotFound, reviveWhy)
	k.stored(func(m *session.Meta) { m.End = m.LastAccess })
	destroyed := k.stored(expired)
	if err := k.store.Destroy(k.ctx, destroyed.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	k.reap(2, "one session is past its idle timeout, one past the end of its lifetime")
	k.reap(0, "all expired sessions were reaped just before")
	k.gone(old.ID(), "it was expired, and reaped")
	found := k.get(live.ID(), "cart")
	has(k, found, "kept", "kept", "Reap leaves sessions alone that are not expired")
	has(k, k.component(found, "cart"), "item", 1, "Reap leaves sessions alone that are not expired")
	again := session.NewSession(k.store, old.ID(), newMeta())
	k.save(again)
	hasNot(k, k.get(old.ID()), "kept", "a reaped session leaves nothing to a later one")
	k.reap(0, "a session that took the ID of a reaped one is not expired")
	k.get(old.ID())
}

// checkReapMaxAge: the max age as it was saved last counts.
func checkReapMaxAge(k *kit) {
	shorter, longer := k.stored(), k.stored()
	if err := shorter.SetMaxAge(time.Minute); err != nil {
		k.Fatal(err)
	}
	if err := longer.SetMaxAge(50 * time.Hour); err != nil {
		k.Fatal(err)
	}
	k.save(shorter)
	k.save(longer)
	k.reap(1, "the max age of one session was made shorter than the hour since its last access")
	k.gone(shorter.ID(), "its max age was made shorter")
	k.get(longer.ID())
}

// checkReapAgainstSave: a reap amid saves takes no living session.
func checkReapAgainstSave(k *kit) {
	reapable := must[session.Reapable](k)
	k.rounds(500, 2, func() error {
		if _, err := k.tryStored(expired); err != nil {
			return err
		}
		s, err := k.tryStored()
		if err != nil {
			return err
		}
		if err := s.Set("key", 1); err != nil {
			return err
		}
		err = together(
			func() error { return k.store.Save(k.ctx, s) },
			func() error { _, err := reapable.Reap(k.ctx); return err },
		)
		if err != nil {
			return err
		}
		_, err = k.store.Get(k.ctx, s.ID())
		return err
	})
	k.reap(0, "each round reaped what was expired")
}
