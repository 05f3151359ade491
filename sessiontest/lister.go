package sessiontest

import (
	"maps"

	"github.com/boltsession/session"
)

func listerChecks() []check {
	return []check{
		{"Length", checkLength},
		{"All", checkAll},
		{"Info", checkInfo},
		{"WithoutExpired", checkListedExpired},
		{"Break", checkAllBreak},
		{"UseInLoop", checkAllUse},
	}
}

// length checks what Length returns.
func (k *kit) length(want int, why string) {
	k.Helper()
	got, err := must[session.Lister](k).Length(k.ctx)
	if err != nil || got != want {
		k.Errorf("Length gave %d, %v, want %d: %s", got, err, want, why)
	}
}

// all returns what All lists.
func (k *kit) all() map[session.ID]session.Info {
	k.Helper()
	infos := map[session.ID]session.Info{}
	for info, err := range must[session.Lister](k).All(k.ctx) {
		if err != nil {
			k.Fatalf("All: %v", err)
		}
		if _, ok := infos[info.ID]; ok {
			k.Errorf("All lists the session %s twice", info.ID.Short())
		}
		infos[info.ID] = info
	}
	return infos
}

func checkLength(k *kit) {
	k.length(0, "the store is empty")
	a, b := k.stored(), k.stored()
	unsaved := session.NewSession(k.store, newID(), newMeta())
	set(k, unsaved, "key", 1)
	if _, err := k.store.Create(k.ctx, newID()); err != nil {
		k.Fatalf("Create: %v", err)
	}
	k.length(2, "two sessions were saved; new ones do not count before")
	set(k, a, "key", 1)
	k.save(a)
	k.length(2, "a session that is saved again does not count again")
	for range 2 {
		if err := k.store.Destroy(k.ctx, b.ID()); err != nil {
			k.Fatalf("Destroy: %v", err)
		}
		k.length(1, "a destroyed session does not count, and counts off once only")
	}
}

func checkAll(k *kit) {
	if n := len(k.all()); n != 0 {
		k.Errorf("All lists %d sessions of an empty store", n)
	}
	want := map[session.ID]bool{}
	for range 40 {
		want[k.stored().ID()] = true
	}
	infos := k.all()
	for id := range want {
		if _, ok := infos[id]; !ok {
			k.Errorf("All does not list the session %s, which is stored", id.Short())
		}
	}
	if len(infos) != len(want) {
		k.Errorf("All lists %d sessions, want %d", len(infos), len(want))
	}
}

// checkInfo: a listing tells the metadata, and how many keys each component has.
func checkInfo(k *kit) {
	s := k.stored(ofUser("anna"))
	cart := k.component(s, "cart")
	set(k, s, "second", 1)
	set(k, cart, "a", 1)
	set(k, cart, "b", 1)
	set(k, cart, "c", 1)
	k.save(s)
	cart.Remove("b")
	set(k, cart, "c", 2)
	k.save(s)
	k.sameInfo(k.all()[s.ID()], s, map[string]int{"": 2, "cart": 2})
}

// sameInfo checks what a listing tells of s.
func (k *kit) sameInfo(info session.Info, s *session.Session, components map[string]int) {
	k.Helper()
	if info.ID != s.ID() {
		k.Fatalf("the listing has the ID %s, want %s", info.ID.Short(), s.ID().Short())
	}
	want := metaOf(k.get(s.ID()))
	if !info.Created.Equal(want.Created) || !info.LastAccess.Equal(want.LastAccess) || !info.End.Equal(want.End) ||
		info.MaxAge != want.MaxAge || info.User != want.User {
		k.Errorf("Info has the metadata %+v, want %+v, as Get has it", info.Meta, want)
	}
	got := maps.Clone(info.Components)
	maps.DeleteFunc(got, func(_ string, keys int) bool { return keys == 0 })
	if !maps.Equal(got, components) {
		k.Errorf("Info.Components is %v, want %v: how many keys each component has, the global one under \"\"", got, components)
	}
}

func checkListedExpired(k *kit) {
	live, idle := k.stored(), k.stored(expired)
	over := k.stored(func(m *session.Meta) { m.End = m.LastAccess })
	k.length(1, "two of three sessions are expired: Length counts the unexpired ones, whether or not anything reaped")
	infos := k.all()
	if _, ok := infos[live.ID()]; !ok {
		k.Error("All does not list the session that is not expired")
	}
	for _, s := range []*session.Session{idle, over} {
		if _, ok := infos[s.ID()]; ok {
			k.Error("All lists an expired session: " + expiredWhy)
		}
	}
}

// checkAllBreak: a loop can end early.
func checkAllBreak(k *kit) {
	for range 5 {
		k.stored()
	}
	seen := 0
	for _, err := range must[session.Lister](k).All(k.ctx) {
		if err != nil {
			k.Fatalf("All: %v", err)
		}
		if seen++; seen == 2 {
			break
		}
	}
	if len(k.all()) != 5 {
		k.Error("after a loop over All that ended early, All does not list all sessions: free what it holds when yield returns false")
	}
}

// checkAllUse: the loop's body may use the store.
func checkAllUse(k *kit) {
	for range 5 {
		k.stored()
	}
	for info, err := range must[session.Lister](k).All(k.ctx) {
		if err != nil {
			k.Fatalf("All: %v", err)
		}
		set(k, k.get(info.ID), "key", 1)
		k.stored(expired)
		if err := k.store.Destroy(k.ctx, info.ID); err != nil {
			k.Fatalf("Destroy in a loop over All: %v", err)
		}
	}
	k.length(0, "all sessions were destroyed in a loop over All: hold no lock while the loop's body runs")
}
