package sessiontest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/boltsession/session"
)

func endedChecks() []check {
	return []check{
		{"SaveAfterDestroy", checkSaveAfterDestroy},
		{"SaveAfterExpiry", checkSaveAfterExpiry},
		{"FirstSaveOnce", checkFirstSaveOnce},
		{"CleanFailure", checkCleanFailure},
		{"TakenID", checkTakenID},
		{"OverExpired", checkOverExpired},
		{"TwoCreators", checkTwoCreators},
		{"DestroyAgainstSave", checkDestroyAgainstSave},
	}
}

const reviveWhy = "Save must find a session that is not new still stored, in the same atomic step that writes: else a late request logs in again who logged out"

// checkSaveAfterDestroy: neither a copy nor the handle that created the session brings it back.
func checkSaveAfterDestroy(k *kit) {
	s := k.stored()
	copied := k.get(s.ID())
	named := k.get(s.ID(), "cart")
	cart := k.component(named, "cart")
	if err := k.store.Destroy(k.ctx, s.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	set(k, s, "late", 1)
	k.is("Save by the handle that created it, of a destroyed session,", k.store.Save(k.ctx, s), session.ErrNotFound, reviveWhy)
	set(k, copied, "late", 1)
	k.is("Save of a copy of a destroyed session", k.store.Save(k.ctx, copied), session.ErrNotFound, reviveWhy)
	set(k, cart, "late", 1)
	k.is("Save of a component of a destroyed session", k.store.Save(k.ctx, named), session.ErrNotFound, reviveWhy)
	k.gone(s.ID(), reviveWhy)
}

// checkSaveAfterExpiry: expired is ended, too.
func checkSaveAfterExpiry(k *kit) {
	s := k.stored()
	late := k.get(s.ID())
	if err := s.SetMaxAge(time.Second); err != nil {
		k.Fatal(err)
	}
	k.save(s) // its last access is an hour ago
	k.gone(s.ID(), "its max age was set to a second, its last access is an hour ago")
	set(k, late, "late", 1)
	if err := late.SetMaxAge(9 * time.Hour); err != nil {
		k.Fatal(err)
	}
	k.is("Save of a session that has expired", k.store.Save(k.ctx, late), session.ErrNotFound,
		"judge by the stored metadata whether it has expired, before merging into it")
	k.gone(s.ID(), "an expired session does not come back")
}

// checkFirstSaveOnce: the first save uses up the right to create the session.
func checkFirstSaveOnce(k *kit) {
	s := k.stored()
	if s.IsNew() || s.IsDirty() {
		k.Error("the session is still new or dirty after Save: call Session.Saved with the Changes that were stored")
	}
	if ch := s.Changes(); ch.New || ch.Meta != nil || len(ch.Components) > 0 {
		k.Error("Changes still has what was saved: call Session.Saved with the Changes that were stored")
	}
	set(k, s, "second", 2)
	k.save(s)
	has(k, k.get(s.ID()), "second", 2, "a session can be saved again and again")
	if k.get(s.ID()).IsNew() {
		k.Error("what Get returned is new: make it with session.LoadSession")
	}
}

// checkCleanFailure: a save that failed cleanly can be tried again.
func checkCleanFailure(k *kit) {
	done, cancel := context.WithCancel(k.ctx)
	cancel()
	s := session.NewSession(k.store, newID(), newMeta())
	set(k, s, "key", 1)
	k.is("Save with a cancelled context", k.store.Save(done, s), context.Canceled, "look at the context before starting to work")
	k.gone(s.ID(), "its only Save failed")
	if !s.IsNew() || !s.IsDirty() {
		k.Error("the session is not new and dirty after a Save that failed: call Session.Saved only when it is stored")
	}
	k.save(s)
	has(k, k.get(s.ID()), "key", 1, "after a clean failure Save can be tried again")
}

// checkTakenID: a new session replaces none that is stored.
func checkTakenID(k *kit) {
	s := k.stored()
	second := session.NewSession(k.store, s.ID(), newMeta())
	set(k, second, "second", 1)
	k.is("Save of a new session under the ID of another", k.store.Save(k.ctx, second), session.ErrExists,
		"when Changes.New is set, there must be no unexpired session under the ID")
	found := k.get(s.ID())
	has(k, found, "kept", "kept", "the session that was there stays as it is")
	hasNot(k, found, "second", "the session that was there stays as it is")
	if !second.IsNew() || !second.IsDirty() {
		k.Error("the session is not new and dirty after a Save that failed: call Session.Saved only when it is stored")
	}
}

// checkOverExpired: an expired session that nobody reaped leaves nothing to a new one.
func checkOverExpired(k *kit) {
	old := session.NewSession(k.store, newID(), newMeta(expired, ofUser("old")))
	set(k, old, "old", 1)
	set(k, k.component(old, "cart"), "old", 1)
	k.save(old)
	s, err := k.store.Create(k.ctx, old.ID())
	if err != nil {
		k.Fatalf("Create under the ID of an expired session gave %v, want nil", err)
	}
	set(k, s, "new", 1)
	k.save(s)
	found := k.get(s.ID(), "cart")
	has(k, found, "new", 1, "a new session can take the ID of an expired one")
	const why = "a new session inherits nothing from an expired one that was not reaped"
	hasNot(k, found, "old", why)
	hasNot(k, k.component(found, "cart"), "old", why)
	if found.User() != "" {
		k.Error("the user is still that of the expired session: " + why)
	}
	k.overShortened()
}

// overShortened is checkOverExpired for a session that a later save made expire.
func (k *kit) overShortened() {
	k.Helper()
	old := k.stored()
	stored := func() {
		k.Helper()
		if offers[session.Lister](k.store) { // which has a store that collects saves write them
			k.length(2, "one session was stored, expired, and made room for another of its ID")
		}
	}
	stored()
	if err := old.SetMaxAge(time.Minute); err != nil {
		k.Fatal(err)
	}
	k.save(old)
	s := session.NewSession(k.store, old.ID(), newMeta())
	set(k, s, "new", 1)
	k.save(s)
	stored()
	found := k.get(s.ID())
	has(k, found, "new", 1, "a new session takes the place of one that had expired")
	hasNot(k, found, "kept", "a new session inherits nothing from an expired one that was not reaped")
}

// checkTwoCreators: of new sessions under one ID one is stored.
func checkTwoCreators(k *kit) {
	k.rounds(200, 4, func() error {
		id := newID()
		errs := make([]error, 3)
		together(times(len(errs), func(i int) func() error {
			return func() error {
				errs[i] = k.store.Save(k.ctx, session.NewSession(k.store, id, newMeta()))
				return nil
			}
		})...)
		stored := 0
		for _, err := range errs {
			switch {
			case err == nil:
				stored++
			case !errors.Is(err, session.ErrExists):
				return err
			}
		}
		if stored != 1 {
			return fmt.Errorf("of 3 new sessions under one ID saved at once %d were stored, want 1 and ErrExists for the others: look for the ID in the same atomic step that writes", stored)
		}
		return nil
	})
}

// checkDestroyAgainstSave: whatever the order, a destroyed session stays so.
func checkDestroyAgainstSave(k *kit) {
	k.rounds(10_000, 8, func() error {
		return k.endAgainstSave("Destroy", func(s *session.Session) error { return k.store.Destroy(k.ctx, s.ID()) })
	})
	if lister, ok := session.As[session.Lister](k.store); ok {
		if n, err := lister.Length(k.ctx); err != nil || n != 0 {
			k.Errorf("Length is %d, %v after all sessions were destroyed, want 0: %s", n, err, reviveWhy)
		}
	}
}

// endAgainstSave stores a session and has it ended, saved and touched at once.
func (k *kit) endAgainstSave(name string, end func(*session.Session) error) error {
	s, err := k.tryStored(ofUser("anna"))
	if err != nil {
		return err
	}
	id := s.ID()
	copied, err := k.store.Get(k.ctx, id)
	if err != nil {
		return err
	}
	ender, err := k.store.Get(k.ctx, id)
	if err != nil {
		return err
	}
	save := func(s *session.Session) func() error {
		return func() error {
			if err := s.Set("late", 1); err != nil {
				return orEnded(err)
			}
			return orEnded(k.store.Save(k.ctx, s))
		}
	}
	racers := []func() error{save(s), save(copied), func() error { return end(ender) }}
	if toucher, ok := session.As[session.Toucher](k.store); ok {
		racers = append(racers, func() error { return toucher.Touch(k.ctx, id, time.Now()) })
	}
	if err := together(racers...); err != nil {
		return fmt.Errorf("%s and Save at once: %w", name, err)
	}
	if _, err := k.store.Get(k.ctx, id); !errors.Is(err, session.ErrNotFound) {
		return fmt.Errorf("Get gave %v after %s, with Save running at the same time, want ErrNotFound: %s", err, name, reviveWhy)
	}
	return nil
}
