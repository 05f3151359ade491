package sessiontest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/boltsession/session"
)

func renewerChecks() []check {
	return []check{
		{"Renew", checkRenew},
		{"OldHandles", checkRenewOldHandles},
		{"New", checkRenewNew},
		{"Ended", checkRenewEnded},
		{"Taken", checkRenewTaken},
		{"OverExpired", checkRenewOverExpired},
		{"Twice", checkRenewTwice},
		{"RenewAgainstSave", checkRenewAgainstSave},
	}
}

// renew renews s.
func (k *kit) renew(s *session.Session, to session.ID) {
	k.Helper()
	if err := must[session.Renewer](k).Renew(k.ctx, s, to); err != nil {
		k.Fatalf("Renew: %v", err)
	}
}

// checkRenew: all of a session moves, changes that were not saved and components that this copy
// never read included.
func checkRenew(k *kit) {
	first := k.stored(ofUser("anna"))
	set(k, k.component(first, "cart"), "item", 1)
	k.save(first)
	s, want := k.get(first.ID()), metaOf(k.get(first.ID()))
	other := k.get(first.ID())
	set(k, other, "of another", 1)
	k.save(other)
	set(k, s, "dirty", 1)
	set(k, k.component(s, "news"), "dirty", 1)
	if err := s.SetUser("berta"); err != nil {
		k.Fatal(err)
	}
	to := newID()
	k.renew(s, to)
	k.gone(first.ID(), "it was renewed: the old ID is dead from then on")
	found := k.get(to, "news")
	has(k, found, "kept", "kept", "a renewed session keeps its values")
	has(k, found, "dirty", 1, "Renew stores the session's changes in the same step")
	has(k, found, "of another", 1, "Renew moves what is stored now, not what this copy had read")
	has(k, k.component(found, "cart"), "item", 1, "Renew moves components that were not read, too")
	has(k, k.component(found, "news"), "dirty", 1, "Renew stores the session's changes in the same step")
	got := metaOf(found)
	if !got.Created.Equal(want.Created) || !got.End.Equal(want.End) || !got.LastAccess.Equal(want.LastAccess) || got.MaxAge != want.MaxAge {
		k.Errorf("the renewed session has the metadata %+v, want %+v: renewing makes no session younger", got, want)
	}
	if got.User != "berta" {
		k.Errorf("the renewed session is of the user %q, want \"berta\", as set before Renew", got.User)
	}
	if !slices.Equal(got.Salt, want.Salt) || !slices.Equal(got.Fingerprint, want.Fingerprint) {
		k.Error("Renew changed salt or fingerprint: it copies both")
	}
	k.renewedIndex(to)
}

// renewedIndex checks that listings have the session under its new ID only.
func (k *kit) renewedIndex(to session.ID) {
	k.Helper()
	if offers[session.Lister](k.store) {
		k.length(1, "a renewed session is one session")
		if _, ok := k.all()[to]; !ok {
			k.Error("All does not list the renewed session under its new ID")
		}
	}
	if offers[session.UserIndex](k.store) {
		k.usersSessions("anna")
		k.usersSessions("berta", to)
	}
}

// checkRenewOldHandles: the old ID stays dead, whoever saves to it.
func checkRenewOldHandles(k *kit) {
	s := k.stored()
	copied := k.get(s.ID())
	to := newID()
	k.renew(s, to)
	for _, old := range []*session.Session{s, copied} {
		err := old.Set("late", 1)
		if err == nil {
			err = k.store.Save(k.ctx, old)
		}
		k.is("Set and Save of a session that was renewed away", err, session.ErrNotFound, reviveWhy)
	}
	k.gone(s.ID(), reviveWhy)
	hasNot(k, k.get(to), "late", "a handle on the old ID does not reach the renewed session")
}

// checkRenewNew: a session that was never stored ends nowhere by being renewed, and has not been
// touched.
func checkRenewNew(k *kit) {
	s := session.NewSession(k.store, newID(), newMeta())
	set(k, s, "kept", "kept")
	var n *notices
	if offers[session.Notifier](k.store) {
		n = k.watch()
	}
	if offers[session.Toucher](k.store) {
		k.touch(s.ID(), time.Now())
	}
	k.is("Renew of a new session to its own ID", must[session.Renewer](k).Renew(k.ctx, s, s.ID()), session.ErrExists, "there is no other ID to move it to")
	to := newID()
	k.renew(s, to)
	has(k, k.get(to), "kept", "kept", "Renew stores a new session under its new ID")
	k.gone(s.ID(), "a new session that is renewed is stored under its new ID only")
	k.lastAccess(to, s.LastAccess(), "its old ID was touched when no session had it")
	if n != nil {
		k.told(n, "Renew of a session that was not stored")
	}
}

func checkRenewEnded(k *kit) {
	renewer := must[session.Renewer](k)
	destroyed, old, to := k.stored(), k.stored(expired), newID()
	if err := k.store.Destroy(k.ctx, destroyed.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	set(k, destroyed, "dirty", 1)
	k.is("Renew of a destroyed session", renewer.Renew(k.ctx, destroyed, to), session.ErrNotFound, reviveWhy)
	k.is("Renew of an expired session", renewer.Renew(k.ctx, old, to), session.ErrNotFound, reviveWhy)
	k.gone(to, "only sessions that had ended were renewed to it")
	old, other := k.stored(expired), k.stored()
	k.is("Renew of an expired session to its own ID", renewer.Renew(k.ctx, old, old.ID()), session.ErrNotFound, reviveWhy)
	old = k.stored(expired)
	k.is("Renew of an expired session to the ID of another", renewer.Renew(k.ctx, old, other.ID()), session.ErrNotFound, reviveWhy)
}

func checkRenewTaken(k *kit) {
	const why = "look for an unexpired session under the new ID first, and change nothing if there is one"
	renewer := must[session.Renewer](k)
	s, other := k.stored(), k.stored()
	set(k, s, "dirty", 1)
	k.is("Renew to the ID of another session", renewer.Renew(k.ctx, s, other.ID()), session.ErrExists, why)
	k.is("Renew to the session's own ID", renewer.Renew(k.ctx, s, s.ID()), session.ErrExists, why)
	has(k, k.get(s.ID()), "kept", "kept", why)
	has(k, k.get(other.ID()), "kept", "kept", why)
	hasNot(k, k.get(other.ID()), "dirty", why)
	to := newID()
	k.renew(s, to)
	has(k, k.get(to), "dirty", 1, "after a Renew that failed cleanly the changes are still dirty")
}

// checkRenewOverExpired: what an expired session left under the new ID is not inherited.
func checkRenewOverExpired(k *kit) {
	old := session.NewSession(k.store, newID(), newMeta(expired))
	set(k, k.component(old, "cart"), "old", 1)
	k.save(old)
	k.renew(k.stored(), old.ID())
	found := k.get(old.ID(), "cart")
	has(k, found, "kept", "kept", "a renewed session keeps its values")
	hasNot(k, k.component(found, "cart"), "old", "a renewed session inherits nothing from an expired one that was not reaped")
}

// checkRenewTwice: of two renewals at once one wins.
func checkRenewTwice(k *kit) {
	renewer := must[session.Renewer](k)
	k.rounds(500, 4, func() error {
		s, err := k.tryStored()
		if err != nil {
			return err
		}
		ids, errs := []session.ID{newID(), newID()}, make([]error, 2)
		err = together(times(2, func(i int) func() error {
			return func() error {
				copied, err := k.store.Get(k.ctx, s.ID())
				if err == nil {
					err = renewer.Renew(k.ctx, copied, ids[i])
				}
				errs[i] = err
				return orEnded(err)
			}
		})...)
		if err != nil {
			return err
		}
		for i, id := range ids {
			if _, err := k.store.Get(k.ctx, id); (err == nil) != (errs[i] == nil) {
				return fmt.Errorf("Renew gave %v, but Get under the new ID %v: of two renewals at once one wins, the other gets ErrNotFound", errs[i], err)
			}
		}
		if (errs[0] == nil) == (errs[1] == nil) {
			return fmt.Errorf("two renewals at once gave %v and %v: one wins, the other gets ErrNotFound", errs[0], errs[1])
		}
		return nil
	})
}

// checkRenewAgainstSave: what Save said it stored moves along, and the old ID stays dead.
func checkRenewAgainstSave(k *kit) {
	renewer := must[session.Renewer](k)
	k.rounds(1000, 4, func() error {
		return k.endAgainstSave("Renew", func(s *session.Session) error { return renewer.Renew(k.ctx, s, newID()) })
	})
	k.rounds(1000, 4, func() error {
		s, err := k.tryStored()
		if err != nil {
			return err
		}
		saver, err := k.store.Get(k.ctx, s.ID())
		if err != nil {
			return err
		}
		if err := saver.Set("raced", 1); err != nil {
			return err
		}
		to := newID()
		var saved error
		err = together(
			func() error { return renewer.Renew(k.ctx, s, to) },
			func() error { saved = k.store.Save(k.ctx, saver); return orEnded(saved) },
		)
		if err != nil {
			return err
		}
		found, err := k.store.Get(k.ctx, to)
		if err != nil {
			return err
		}
		if _, ok := session.Key[int]("raced").Get(found); ok != (saved == nil) {
			return errors.New("Save and Renew at once: Save and what the renewed session has do not agree; both are one atomic step, and one comes first")
		}
		return nil
	})
}
