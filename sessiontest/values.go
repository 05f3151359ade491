package sessiontest

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/boltsession/session"
)

func valueChecks() []check {
	return []check{
		{"Accepted", checkAccepted},
		{"Refused", checkRefused},
		{"Keys", checkKeys},
		{"Names", checkNames},
		{"SizeLimit", checkSizeLimit},
		{"SizeOfMerge", checkSizeOfMerge},
		{"EqualBytes", checkEqualBytes},
		{"CopiesApart", checkCopiesApart},
		{"Aliasing", checkAliasing},
		{"ValuesUnharmed", checkValuesUnharmed},
	}
}

// checkAccepted: what Set accepts comes back equal.
func checkAccepted(k *kit) {
	s := k.stored()
	cart := k.component(s, "cart")
	for _, a := range accepted() {
		for _, v := range []session.Values{s, cart} {
			if err := a.set(v); err != nil {
				k.Errorf("Set of %s gave %v", a.name, err)
			}
		}
	}
	k.save(s)
	found := k.get(s.ID(), "cart")
	for _, a := range accepted() {
		for _, v := range []session.Values{found, k.component(found, "cart")} {
			if !a.equal(v) {
				k.Errorf("%s does not come back equal: store the encoded values byte for byte, they are neither text nor JSON", a.name)
			}
		}
	}
}

// checkRefused: what could not come back equal is refused at Set, and harms nothing.
func checkRefused(k *kit) {
	s := k.stored()
	for name, v := range refused() {
		err := s.Set("kept", v)
		if !errors.Is(err, session.ErrUnsupportedValue) && !errors.Is(err, session.ErrTooLarge) {
			k.Errorf("Set of %s gave %v, want ErrUnsupportedValue or ErrTooLarge", name, err)
		}
	}
	if s.IsDirty() {
		k.Error("the session is dirty after values were refused only")
	}
	set(k, s, "other", 1)
	k.save(s)
	has(k, k.get(s.ID()), "kept", "kept", "a refused value leaves the earlier one as it was")
}

// checkKeys: keys are any text.
func checkKeys(k *kit) {
	keys := []string{" ", ".", "a.b", "$set", "a\nb", "ключ", "日本", "\x01", "A", "a", "'; DROP", strings.Repeat("k", 255)}
	s := k.stored()
	for i, key := range keys {
		set(k, s, key, i)
	}
	k.save(s)
	found := k.get(s.ID())
	for i, key := range keys {
		has(k, found, key, i, "a key is any text of up to 255 bytes without NUL, and upper and lower case differ")
	}
	want := append(slices.Clone(keys), "kept")
	slices.Sort(want)
	if got := found.Keys(); !slices.Equal(got, want) {
		k.Errorf("Keys is %q, want %q", got, want)
	}
}

// checkNames: names that no store could keep are refused before they get there.
func checkNames(k *kit) {
	s := k.stored()
	for _, name := range []string{"a\x00b", "\xff", strings.Repeat("n", 256)} {
		k.is("Set under an invalid key", s.Set(name, 1), session.ErrInvalidName, "use the sessions of this package")
		_, err := s.Component(k.ctx, name)
		k.is("Component with an invalid name", err, session.ErrInvalidName, "use the sessions of this package")
		k.is("SetUser with an invalid name", s.SetUser(name), session.ErrInvalidName, "use the sessions of this package")
	}
	k.is("Set under an empty key", s.Set("", 1), session.ErrInvalidName, "use the sessions of this package")
	long := strings.Repeat("n", 255)
	set(k, k.component(s, long), long, 1)
	if err := s.SetUser(long); err != nil {
		k.Fatal(err)
	}
	k.save(s)
	found := k.get(s.ID(), long)
	has(k, k.component(found, long), long, 1, "names have up to 255 bytes")
	if found.User() != long {
		k.Error("a user name of 255 bytes does not come back")
	}
}

// sizeLimit returns how many encoded bytes a component of the store may have.
func (k *kit) sizeLimit() int {
	if sized, ok := session.As[interface{ MaxComponentSize() int }](k.store); ok {
		return sized.MaxComponentSize()
	}
	return session.DefaultMaxComponentSize
}

// checkSizeLimit: a component that is nearly full is stored, one that is over is refused.
func checkSizeLimit(k *kit) {
	s := k.stored()
	limit := k.sizeLimit()
	k.is("Set of a value over the limit", s.Set("kept", make([]byte, limit+1)), session.ErrTooLarge, "use the sessions of this package")
	big := bytes.Repeat([]byte{0xa5}, limit-1000)
	set(k, s, "big", big)
	k.is("Set of a value that makes the component too large", s.Set("kept", make([]byte, 2000)), session.ErrTooLarge, "use the sessions of this package")
	k.save(s)
	found := k.get(s.ID())
	if got, _ := session.Key[[]byte]("big").Get(found); !bytes.Equal(got, big) {
		k.Errorf("a value of %d bytes does not come back equal; a store with a lower limit than session.DefaultMaxComponentSize has a method MaxComponentSize() int", len(big))
	}
	has(k, found, "kept", "kept", "a refused value leaves the earlier one as it was")
}

// checkSizeOfMerge: two copies that are too large together are stored, or the second is refused
// whole.
func checkSizeOfMerge(k *kit) {
	id := k.stored().ID()
	a, b := k.get(id), k.get(id)
	part := bytes.Repeat([]byte{1}, k.sizeLimit()*2/3)
	set(k, a, "a", part)
	set(k, b, "b", part)
	set(k, b, "small", 1)
	k.save(a)
	err := k.store.Save(k.ctx, b)
	if err != nil && !errors.Is(err, session.ErrTooLarge) {
		k.Errorf("Save that makes the component too large gave %v, want ErrTooLarge or nil", err)
	}
	found := k.get(id)
	if got, _ := session.Key[[]byte]("a").Get(found); !bytes.Equal(got, part) {
		k.Error("what was stored before is gone after a Save that was too large")
	}
	_, small := session.Key[int]("small").Get(found)
	if got, _ := session.Key[[]byte]("b").Get(found); bytes.Equal(got, part) != (err == nil) || small != (err == nil) {
		k.Errorf("Save gave %v, but stored something else: check the size before writing anything", err)
	}
}

// checkEqualBytes: setting what is there already is no change.
func checkEqualBytes(k *kit) {
	const why = "keep encoded values byte for byte"
	s := k.stored()
	set(k, s, "kept", "kept")
	if s.IsDirty() {
		k.Error("the session is dirty after the value it just saved was set: call Session.Saved")
	}
	found := k.get(s.ID())
	set(k, found, "kept", "kept")
	if found.IsDirty() {
		k.Error("a copy is dirty after the value it has was set: " + why)
	}
	set(k, found, "kept", "other")
	if !found.IsDirty() {
		k.Error("a copy is clean after another value was set")
	}
}

// checkCopiesApart: every Get returns a copy of its own.
func checkCopiesApart(k *kit) {
	const why = "every Get makes a session of its own, by session.LoadSession"
	s := k.stored()
	a, b := k.get(s.ID(), "cart"), k.get(s.ID(), "cart")
	if a == b || a == s {
		k.Fatal("Get returned one session twice: " + why)
	}
	set(k, a, "unsaved", 1)
	set(k, k.component(a, "cart"), "unsaved", 1)
	if err := a.SetUser("unsaved"); err != nil {
		k.Fatal(err)
	}
	for _, other := range []*session.Session{b, s, k.get(s.ID(), "cart")} {
		hasNot(k, other, "unsaved", "nobody sees what is not saved: "+why)
		hasNot(k, k.component(other, "cart"), "unsaved", "nobody sees what is not saved: "+why)
		if other.User() != "" {
			k.Error("another copy has a user that was not saved: " + why)
		}
	}
}

// checkAliasing: changing what was passed to Set or came from Get changes nothing else.
func checkAliasing(k *kit) {
	const why = "nobody shares memory with what is stored"
	mine := []byte("mine")
	table := map[string][]string{"a": {"b"}}
	s := k.stored()
	set(k, s, "bytes", mine)
	set(k, s, "table", table)
	copy(mine, "MINE")
	table["a"][0] = "B"
	k.save(s)
	copy(mine, "MINE")
	for range 2 {
		found := k.get(s.ID())
		got, _ := session.Key[[]byte]("bytes").Get(found)
		gotTable, _ := session.Key[map[string][]string]("table").Get(found)
		if string(got) != "mine" || !slices.Equal(gotTable["a"], []string{"b"}) {
			k.Fatalf("the values are %q and %q, want \"mine\" and map[\"a\":[\"b\"]]: %s", got, gotTable, why)
		}
		copy(got, "HERS")
		gotTable["a"][0] = "H"
	}
}

// checkValuesUnharmed: a save leaves the encoded values in Changes as they are.
func checkValuesUnharmed(k *kit) {
	const why = "the encoded values in Changes are shared with the session: do not modify them, copy before encrypting"
	s := k.stored()
	set(k, s, "key", "value")
	set(k, k.component(s, "cart"), "item", "value")
	snapshot := s.Changes()
	k.save(s)
	has(k, s, "key", "value", why)
	has(k, k.component(s, "cart"), "item", "value", why)
	if err := s.Set("key", "next"); err != nil {
		k.Fatal(err)
	}
	k.save(s)
	if len(snapshot.Components[""].Set["key"]) == 0 {
		k.Error("a snapshot of Changes is empty after a later Save: " + why)
	}
	has(k, k.get(s.ID()), "key", "next", "the last Save of a key wins")
}
