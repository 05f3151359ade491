package sessiontest

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
