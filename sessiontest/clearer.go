package sessiontest

import "github.com/boltsession/session"

func clearerChecks() []check {
	return []check{
		{"Clear", checkClear},
		{"ClearExpired", checkClearExpired},
		{"ClearAgainstSave", checkClearAgainstSave},
	}
}

// clear checks how many sessions Clear ends.
func (k *kit) clear(want int, why string) {
	k.Helper()
	n, err := must[session.Clearer](k).Clear(k.ctx)
	if err != nil || n != want {
		k.Errorf("Clear gave %d, %v, want %d: %s", n, err, want, why)
	}
}

func checkClear(k *kit) {
	k.clear(0, "the store is empty")
	a, b := k.stored(ofUser("anna")), k.stored()
	late := k.get(a.ID())
	k.clear(2, "it ends all sessions and returns how many there were")
	k.gone(a.ID(), "the store was cleared")
	k.gone(b.ID(), "the store was cleared")
	set(k, late, "late", 1)
	k.is("Save of a cleared session", k.store.Save(k.ctx, late), session.ErrNotFound, reviveWhy)
	k.gone(a.ID(), reviveWhy)
	k.clear(0, "the store was cleared just before")
	s := k.stored()
	has(k, k.get(s.ID()), "kept", "kept", "a cleared store takes new sessions")
	if index, ok := session.As[session.UserIndex](k.store); ok {
		if infos, err := index.ByUser(k.ctx, "anna"); err != nil || len(infos) != 0 {
			k.Errorf("ByUser lists %d sessions, %v after Clear, want none", len(infos), err)
		}
	}
}

// checkClearExpired: expired sessions go, too, and do not count.
func checkClearExpired(k *kit) {
	k.stored()
	k.stored(expired)
	k.clear(1, "of two sessions one was expired, and so no session any more")
	if reapable, ok := session.As[session.Reapable](k.store); ok {
		if n, err := reapable.Reap(k.ctx); n != 0 || err != nil {
			k.Errorf("Reap gave %d, %v after Clear, want 0: Clear deletes expired sessions, too", n, err)
		}
	}
}

func checkClearAgainstSave(k *kit) {
	clearer := must[session.Clearer](k)
	k.rounds(1000, 1, func() error {
		return k.endAgainstSave("Clear", func(*session.Session) error {
			_, err := clearer.Clear(k.ctx)
			return err
		})
	})
}
