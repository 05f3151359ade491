package sessiontest

import (
	"fmt"

	"github.com/boltsession/session"
)

func userChecks() []check {
	return []check{
		{"ByUser", checkByUser},
		{"Names", checkUserNames},
		{"SetUser", checkSetUser},
		{"Ended", checkUserEnded},
		{"Nobody", checkNobody},
		{"DestroyUser", checkDestroyUser},
		{"DestroyUserAgainstSave", checkDestroyUserAgainstSave},
	}
}

// usersSessions checks which sessions ByUser lists.
func (k *kit) usersSessions(user string, want ...session.ID) {
	k.Helper()
	infos, err := must[session.UserIndex](k).ByUser(k.ctx, user)
	if err != nil {
		k.Fatalf("ByUser: %v", err)
	}
	got := map[session.ID]bool{}
	for _, info := range infos {
		if info.User != user || got[info.ID] {
			k.Errorf("ByUser(%q) lists the session %s of the user %q, or lists it twice", user, info.ID.Short(), info.User)
		}
		got[info.ID] = true
	}
	for _, id := range want {
		if !got[id] {
			k.Errorf("ByUser(%q) does not list a session of that user: the index changes in the step that stores Changes.Meta", user)
		}
	}
	if len(infos) != len(want) {
		k.Errorf("ByUser(%q) lists %d sessions, want %d", user, len(infos), len(want))
	}
}

// destroyUser checks how many sessions DestroyUser ends.
func (k *kit) destroyUser(user string, want int, except ...session.ID) {
	k.Helper()
	n, err := must[session.UserIndex](k).DestroyUser(k.ctx, user, except...)
	if err != nil || n != want {
		k.Errorf("DestroyUser(%q) with %d excepted gave %d, %v, want %d: the number of sessions that it ended", user, len(except), n, err, want)
	}
}

func checkByUser(k *kit) {
	k.usersSessions("anna")
	a, b := k.stored(ofUser("anna")), k.stored(ofUser("anna"))
	other := k.stored(ofUser("berta"))
	k.stored()
	k.usersSessions("anna", a.ID(), b.ID())
	k.usersSessions("berta", other.ID())
	k.usersSessions("carl")
	set(k, k.component(a, "cart"), "item", 1)
	k.save(a)
	infos, err := must[session.UserIndex](k).ByUser(k.ctx, "anna")
	if err != nil {
		k.Fatalf("ByUser: %v", err)
	}
	for _, info := range infos {
		if info.ID == a.ID() {
			k.sameInfo(info, a, map[string]int{"": 1, "cart": 1})
		}
	}
}

// checkUserNames: no name can be mistaken for another.
func checkUserNames(k *kit) {
	names := []string{"a", "ab", "abc", "A", " a", "a ", "a/b", "a\x01", "ä", "日本", "%", "'"}
	ids := map[string]session.ID{}
	for _, name := range names {
		ids[name] = k.stored(ofUser(name)).ID()
	}
	for _, name := range names {
		k.usersSessions(name, ids[name])
	}
	k.destroyUser("a", 1)
	for _, name := range names[1:] {
		k.usersSessions(name, ids[name])
	}
}

// checkSetUser: a session moves from one user to another, and to none, when it is saved.
func checkSetUser(k *kit) {
	s := k.stored()
	for _, step := range []struct{ from, to string }{{"", "anna"}, {"anna", "berta"}, {"berta", ""}, {"", "anna"}} {
		if err := s.SetUser(step.to); err != nil {
			k.Fatal(err)
		}
		if step.from != "" {
			k.usersSessions(step.from, s.ID())
		}
		k.save(s)
		if step.from != "" {
			k.usersSessions(step.from)
		}
		if step.to != "" {
			k.usersSessions(step.to, s.ID())
		}
	}
	set(k, s, "key", 1)
	k.save(s)
	k.usersSessions("anna", s.ID())
}

// checkUserEnded: expired and destroyed sessions are not listed.
func checkUserEnded(k *kit) {
	live, destroyed := k.stored(ofUser("anna")), k.stored(ofUser("anna"))
	old := k.stored(ofUser("anna"), expired)
	if err := k.store.Destroy(k.ctx, destroyed.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	k.usersSessions("anna", live.ID())
	for _, id := range []session.ID{destroyed.ID(), old.ID()} {
		k.save(session.NewSession(k.store, id, newMeta()))
	}
	k.usersSessions("anna", live.ID())
	k.destroyUser("anna", 1)
}

// checkNobody: "" is no user.
func checkNobody(k *kit) {
	s := k.stored()
	k.usersSessions("")
	k.destroyUser("", 0)
	k.get(s.ID())
}

func checkDestroyUser(k *kit) {
	mine, phone, tablet := k.stored(ofUser("anna")), k.stored(ofUser("anna")), k.stored(ofUser("anna"))
	k.stored(ofUser("anna"), expired)
	other, nobodys := k.stored(ofUser("berta")), k.stored()
	late := k.get(phone.ID())
	k.destroyUser("anna", 2, mine.ID(), other.ID(), newID())
	k.gone(phone.ID(), "DestroyUser ended it")
	k.gone(tablet.ID(), "DestroyUser ended it")
	for name, s := range map[string]*session.Session{"an excepted one": mine, "another user's": other, "nobody's": nobodys} {
		if _, err := k.store.Get(k.ctx, s.ID()); err != nil {
			k.Errorf("DestroyUser ended a session that it must not, %s: Get gave %v", name, err)
		}
	}
	set(k, late, "late", 1)
	k.is("Save of a session that DestroyUser ended", k.store.Save(k.ctx, late), session.ErrNotFound, reviveWhy)
	k.usersSessions("anna", mine.ID())
	k.destroyUser("anna", 1)
	k.destroyUser("anna", 0)
	k.usersSessions("anna")
	k.get(other.ID())
}

func checkDestroyUserAgainstSave(k *kit) {
	index := must[session.UserIndex](k)
	k.rounds(1000, 1, func() error {
		return k.endAgainstSave("DestroyUser", func(*session.Session) error {
			n, err := index.DestroyUser(k.ctx, "anna")
			if err == nil && n != 1 {
				err = fmt.Errorf("it ended %d sessions, want 1", n)
			}
			return err
		})
	})
}
