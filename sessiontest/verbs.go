package sessiontest

import (
	"slices"
	"time"

	"github.com/boltsession/session"
)

func verbChecks() []check {
	return []check{
		{"Create", checkCreate},
		{"CreateTaken", checkCreateTaken},
		{"GetUnknown", checkGetUnknown},
		{"DestroyUnknown", checkDestroyUnknown},
		{"Destroy", checkDestroy},
		{"Meta", checkMeta},
		{"Components", checkComponents},
		{"ComponentNames", checkComponentNames},
		{"EmptyComponent", checkEmptyComponent},
	}
}

// checkCreate: a new session has the default ages and is not stored before it is saved.
func checkCreate(k *kit) {
	before := time.Now()
	s, err := k.store.Create(k.ctx, newID())
	if err != nil {
		k.Fatalf("Create under an ID that is free: %v", err)
	}
	if !s.IsNew() {
		k.Fatal("what Create returned is not new: make it with session.NewSession")
	}
	if s.MaxAge() != session.DefaultMaxAge {
		k.Errorf("Create gave a max age of %v, want session.DefaultMaxAge", s.MaxAge())
	}
	meta := *s.Changes().Meta
	if life := meta.End.Sub(meta.Created); life != session.DefaultLifetime {
		k.Errorf("Create gave a lifetime of %v, want session.DefaultLifetime", life)
	}
	if meta.Created.Before(before.Add(-time.Second)) || !meta.LastAccess.Equal(meta.Created) {
		k.Errorf("Create gave created %v and last access %v, want now for both", meta.Created, meta.LastAccess)
	}
	if len(meta.Salt) != 16 {
		k.Errorf("Create gave a salt of %d bytes, want 16 random ones", len(meta.Salt))
	}
	k.gone(s.ID(), "Create must not store the session: a stranger's visit writes nothing")
	set(k, s, "key", 1)
	k.save(s)
	has(k, k.get(s.ID()), "key", 1, "Save stores what Create returned")
}

// checkCreateTaken: no second session gets the ID of one that is stored.
func checkCreateTaken(k *kit) {
	s := k.stored()
	_, err := k.store.Create(k.ctx, s.ID())
	k.is("Create under the ID of a stored session", err, session.ErrExists, "look for an unexpired session first")
	has(k, k.get(s.ID()), "kept", "kept", "Create leaves the session alone")
}

func checkGetUnknown(k *kit) {
	k.gone(newID(), "nothing was ever stored under this ID")
	k.stored()
	k.gone(newID(), "nothing was ever stored under this ID, though there is another session")
}

func checkDestroyUnknown(k *kit) {
	s := k.stored()
	if err := k.store.Destroy(k.ctx, newID()); err != nil {
		k.Errorf("Destroy of a session that never was gave %v, want nil: that there is nothing left is what the caller wants", err)
	}
	k.get(s.ID())
}

// checkDestroy: one session ends, with all its components, and a second time is no error.
func checkDestroy(k *kit) {
	s, other := k.stored(), k.stored()
	set(k, k.component(s, "cart"), "item", 1)
	k.save(s)
	for range 2 {
		if err := k.store.Destroy(k.ctx, s.ID()); err != nil {
			k.Fatalf("Destroy: %v", err)
		}
		k.gone(s.ID(), "it was destroyed")
	}
	k.get(other.ID())
	again := session.NewSession(k.store, s.ID(), newMeta())
	k.save(again)
	found := k.get(s.ID(), "cart")
	hasNot(k, found, "kept", "a destroyed session leaves no values to a later one")
	hasNot(k, k.component(found, "cart"), "item", "a destroyed session leaves no component to a later one")
}

// checkMeta: metadata comes back as it was, to the nanosecond.
func checkMeta(k *kit) {
	want := newMeta(ofUser("anna"), func(m *session.Meta) { m.MaxAge += 7 })
	s := session.NewSession(k.store, newID(), want)
	k.save(s)
	got := metaOf(k.get(s.ID()))
	for name, times := range map[string][2]time.Time{
		"Created":    {got.Created, want.Created},
		"LastAccess": {got.LastAccess, want.LastAccess},
		"End":        {got.End, want.End},
	} {
		if !times[0].Equal(times[1]) {
			k.Errorf("Meta.%s came back as %v, want %v: keep times to the nanosecond", name, times[0], times[1])
		}
	}
	if got.MaxAge != want.MaxAge {
		k.Errorf("Meta.MaxAge came back as %v, want %v: keep durations to the nanosecond", got.MaxAge, want.MaxAge)
	}
	if got.User != want.User {
		k.Errorf("Meta.User came back as %q, want %q", got.User, want.User)
	}
	if !slices.Equal(got.Salt, want.Salt) || !slices.Equal(got.Fingerprint, want.Fingerprint) {
		k.Error("Meta.Salt or Meta.Fingerprint came back changed: without them no client is served its session")
	}
}

// checkComponents: Get reads the global component and the named ones; the rest is read when it
// is asked for.
func checkComponents(k *kit) {
	s := k.stored()
	for _, name := range []string{"cart", "admin", "news"} {
		set(k, k.component(s, name), "name", name)
	}
	k.save(s)
	for _, names := range [][]string{nil, {"cart"}, {"cart", "news", "admin"}, {"cart", "cart"}, {""}, {"none", "cart"}} {
		found := k.get(s.ID(), names...)
		has(k, found, "kept", "kept", "Get returns the global component always, and named ones in addition")
		for _, name := range []string{"cart", "admin", "news"} {
			has(k, k.component(found, name), "name", name, "each component keeps its own values")
		}
	}
	found := k.get(s.ID(), "cart")
	if got, want := found.Components(), []string{"admin", "cart", "news"}; !slices.Equal(got, want) {
		k.Errorf("Components is %q, want %q: pass session.LoadSession nil for a component that was not read", got, want)
	}
	missing := k.component(k.get(s.ID(), "none"), "none")
	if keys := missing.Keys(); len(keys) != 0 {
		k.Errorf("a component that the session does not have has the keys %q", keys)
	}
}

// checkComponentNames: no name of a component, with its keys, can be mistaken for another.
func checkComponentNames(k *kit) {
	names := []string{"", " ", "a", "ab", "a/b", "a.b", "a:b", "A", "0", "ключ", "日本", "'", "\x01", "\n",
		"global", "_global", "meta", "_", "session", "sessions", "expiry", "users", "format", "id", "data", "null"}
	s := session.NewSession(k.store, newID(), newMeta())
	for _, name := range names {
		for _, key := range []string{"b", "c", "/b", "bc", name + "k"} {
			set(k, k.component(s, name), key, name+"|"+key)
		}
	}
	k.save(s)
	for _, name := range names {
		found := k.get(s.ID(), name)
		for _, key := range []string{"b", "c", "/b", "bc", name + "k"} {
			has(k, k.component(found, name), key, name+"|"+key, "names of components and keys are any text, and stay apart")
		}
	}
}

// checkEmptyComponent: a component exists while it has keys.
func checkEmptyComponent(k *kit) {
	s := k.stored()
	cart := k.component(s, "cart")
	set(k, cart, "item", 1)
	k.save(s)
	cart.Remove("item")
	k.save(s)
	if names := k.get(s.ID()).Components(); len(names) != 0 {
		k.Errorf("Components is %q after the last key was removed, want none: a component exists while it has keys", names)
	}
}
