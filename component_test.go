package session

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// newSession returns a detached new session.
func newSession() *Session {
	return NewSession(NewMemoryStore(nil), randomID(), newMeta(now(), DefaultMaxAge, DefaultLifetime))
}

// savedSession returns a detached session with a count of 1 that is stored and clean.
func savedSession(t *testing.T) *Session {
	t.Helper()
	s := newSession()
	must(t, count.Set(s, 1))
	must(t, s.Save(t.Context()))
	return s
}

func TestComponentSetAndGet(t *testing.T) {
	s := newSession()
	in := map[string][]int{"a": {1, 2}}
	must(t, s.Set("k", in))
	in["a"][0] = 9
	var one, two map[string][]int
	must(t, s.Get("k", &one))
	one["a"][1] = 8
	must(t, s.Get("k", &two))
	equal(t, "a value shares memory with its original", two["a"][0], 1)
	equal(t, "a value shares memory with another reader", two["a"][1], 2)
	var n int
	wantErr(t, s.Get("nothing", &n), ErrNoKey)
}

func TestComponentGetOfAnotherType(t *testing.T) {
	s := newSession()
	must(t, s.Set("secret-key", "secret value"))
	n := 7
	err := s.Get("secret-key", &n)
	var decode *DecodeError
	if !errors.As(err, &decode) {
		t.Fatalf("got %v", err)
	}
	equal(t, "key", decode.Key, "secret-key")
	equal(t, "component", decode.Component, "")
	equal(t, "type", decode.Type, "int")
	equal(t, "destination", n, 7)
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the message tells a secret: %v", err)
	}
	for _, dst := range []any{nil, n, (*int)(nil)} {
		if err := s.Get("secret-key", dst); !errors.As(err, &decode) {
			t.Errorf("into a %T: %v", dst, err)
		}
	}
}

// A value whose type changed harms its own key only, also in the bytes that another program
// stored.
func TestComponentUndecodableValueHarmsOnlyItsKey(t *testing.T) {
	text := []byte{0x63, 'o', 'n', 'e'}
	s := LoadSession(nil, ID{}, newMeta(now(), DefaultMaxAge, DefaultLifetime),
		map[string]map[string][]byte{"": {"count": text, "label": text}, "cart": {"count": text}})
	v, ok := label.Get(s)
	equal(t, "label", v, "one")
	equal(t, "has a label", ok, true)
	n, ok := count.Get(s)
	equal(t, "count", n, 0)
	equal(t, "has a count", ok, false)
	if _, ok := count.Pop(s); ok {
		t.Error("Pop got a value that does not decode")
	}
	equalList(t, "keys after Pop", s.Keys(), []string{"count", "label"})

	cart, err := s.Component(t.Context(), "cart")
	must(t, err)
	var decode *DecodeError
	if err := cart.Get("count", &n); !errors.As(err, &decode) || decode.Component != "cart" {
		t.Errorf("got %v", err)
	}
	n, err = count.Update(s, func(n int) int { return n + 1 })
	must(t, err)
	equal(t, "count after Update", n, 1)
	n, ok = count.Get(s)
	equal(t, "count is set anew", ok && n == 1, true)
}

func TestComponentRefusesNames(t *testing.T) {
	s := savedSession(t)
	names := map[string]string{
		"empty": "", "NUL": "a\x00b", "256 bytes": strings.Repeat("a", 256),
		"10 KiB": strings.Repeat("a", 10<<10), "not UTF-8": "a\xff",
	}
	for what, name := range names {
		err := s.Set(name, 1)
		wantErr(t, err, ErrInvalidName)
		_, err = Key[int](name).Update(s, func(int) int { return 1 })
		wantErr(t, err, ErrInvalidName)
		var n int
		wantErr(t, s.Get(name, &n), ErrNoKey)
		s.Remove(name)
		if what != "empty" {
			_, err = s.Component(t.Context(), name)
			wantErr(t, err, ErrInvalidName)
			wantErr(t, s.SetUser(name), ErrInvalidName)
			if strings.Contains(err.Error(), name) {
				t.Errorf("%s: the message has the name", what)
			}
		}
	}
	equal(t, "dirty", s.IsDirty(), false)
	longest := strings.Repeat("é", 127) + "a"
	must(t, s.Set(longest, 1))
	must(t, s.SetUser(longest))
	_, err := s.Component(t.Context(), longest)
	must(t, err)
}

func TestComponentRefusesValues(t *testing.T) {
	s := savedSession(t)
	for _, v := range []any{nil, func() {}, make(chan int), "\xff", math.Inf, struct{ a int }{1}} {
		wantErr(t, s.Set("count", v), ErrUnsupportedValue)
	}
	wantErr(t, s.Set("count", strings.Repeat("a", DefaultMaxComponentSize)), ErrTooLarge)
	equal(t, "dirty", s.IsDirty(), false)
	n, _ := count.Get(s)
	equal(t, "the earlier value", n, 1)
}

// The limit is exact: what Set takes at most is what the store takes at most.
func TestComponentSizeLimit(t *testing.T) {
	s := newSession()
	must(t, s.Set("a", strings.Repeat("a", 30000)))
	must(t, s.Set("b", strings.Repeat("b", 30000)))
	free := DefaultMaxComponentSize - 2*(2+3+30000) - 5 - 2 - 3
	wantErr(t, s.Set("c", strings.Repeat("c", free+1)), ErrTooLarge)
	equalList(t, "keys", s.Keys(), []string{"a", "b"})
	must(t, s.Set("c", strings.Repeat("c", free)))
	must(t, s.Save(t.Context()))

	wantErr(t, s.Set("d", 1), ErrTooLarge)
	must(t, s.Set("b", "now shorter"))
	must(t, s.Set("d", 1))
	s.Remove("a")
	must(t, s.Set("e", strings.Repeat("e", 30000)))
	must(t, s.Save(t.Context()))
	s.RemoveAll()
	must(t, s.Set("f", strings.Repeat("f", 60000)))
	must(t, s.Save(t.Context()))
	other, err := s.Component(t.Context(), "other")
	must(t, err)
	must(t, other.Set("f", strings.Repeat("f", 60000)))
	must(t, s.Save(t.Context()))
	must(t, s.Reload(t.Context()))
	wantErr(t, s.Set("g", strings.Repeat("g", 6000)), ErrTooLarge)
}

// limitedStore has a limit of its own.
type limitedStore struct{ Store }

func (limitedStore) MaxComponentSize() int { return 100 }

func TestComponentSizeLimitOfTheStore(t *testing.T) {
	p := NewProxyStore(func() (Store, error) { return limitedStore{NewMemoryStore(nil)}, nil }, nil)
	s, err := p.Create(t.Context(), ID{})
	must(t, err)
	must(t, s.Set("k", strings.Repeat("a", 80)))
	wantErr(t, s.Set("l", strings.Repeat("a", 20)), ErrTooLarge)
}

func TestComponentEqualBytesAreNoChange(t *testing.T) {
	s := savedSession(t)
	must(t, count.Set(s, 1))
	equal(t, "dirty after setting what is there", s.IsDirty(), false)
	s.Remove("nothing", "nothing else")
	equal(t, "dirty after removing what is not there", s.IsDirty(), false)
	must(t, count.Set(s, 2))
	must(t, count.Set(s, 1))
	equal(t, "dirty after setting there and back", s.IsDirty(), true)
	must(t, s.Save(t.Context()))
	s.RemoveAll()
	s.Remove("count")
	must(t, s.Save(t.Context()))
	must(t, s.Reload(t.Context()))
	equal(t, "keys", len(s.Keys()), 0)
}

func TestComponentLastOperationWins(t *testing.T) {
	cases := map[string]struct {
		do   func(t *testing.T, s *Session)
		want string
	}{
		"set, remove":             {func(t *testing.T, s *Session) { must(t, count.Set(s, 2)); count.Remove(s) }, "label"},
		"remove, set":             {func(t *testing.T, s *Session) { count.Remove(s); must(t, count.Set(s, 2)) }, "count label"},
		"set, remove all":         {func(t *testing.T, s *Session) { must(t, count.Set(s, 2)); s.RemoveAll() }, ""},
		"set, remove all, set":    {func(t *testing.T, s *Session) { must(t, count.Set(s, 2)); s.RemoveAll(); must(t, count.Set(s, 3)) }, "count"},
		"remove all, set, remove": {func(t *testing.T, s *Session) { s.RemoveAll(); must(t, count.Set(s, 3)); count.Remove(s) }, ""},
		"remove both":             {func(t *testing.T, s *Session) { s.Remove("label", "count") }, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := savedSession(t)
			must(t, label.Set(s, "one"))
			must(t, s.Save(t.Context()))
			c.do(t, s)
			equal(t, "keys", strings.Join(s.Keys(), " "), c.want)
			must(t, s.Save(t.Context()))
			equal(t, "dirty", s.IsDirty(), false)
			must(t, s.Reload(t.Context()))
			equal(t, "stored keys", strings.Join(s.Keys(), " "), c.want)
		})
	}
}

// RemoveAll goes for what others stored meanwhile, too.
func TestComponentRemoveAllRemovesWhatWasNeverRead(t *testing.T) {
	s := savedSession(t)
	copied, err := s.store.Get(t.Context(), s.ID())
	must(t, err)
	must(t, label.Set(copied, "theirs"))
	must(t, copied.Save(t.Context()))
	s.RemoveAll()
	must(t, s.Save(t.Context()))
	must(t, s.Reload(t.Context()))
	equal(t, "keys", len(s.Keys()), 0)
}

func TestComponentsOfASession(t *testing.T) {
	s := savedSession(t)
	for _, name := range []string{"b", "a"} {
		c, err := s.Component(t.Context(), name)
		must(t, err)
		equalList(t, "components while it is empty", s.Components(), map[string][]string{"b": nil, "a": {"b"}}[name])
		must(t, label.Set(c, name))
	}
	global, err := s.Component(t.Context(), "")
	must(t, err)
	n, _ := count.Get(global)
	equal(t, "count in the global component by its name", n, 1)
	equalList(t, "components", s.Components(), []string{"a", "b"})
	must(t, s.Save(t.Context()))

	copied, err := s.store.Get(t.Context(), s.ID(), "a")
	must(t, err)
	equalList(t, "components of a copy", copied.Components(), []string{"a", "b"})
	for _, name := range []string{"a", "b"} { // one was read with the copy, one is read now
		c, err := copied.Component(t.Context(), name)
		must(t, err)
		v, _ := label.Get(c)
		equal(t, "label", v, name)
		c.RemoveAll()
	}
	equalList(t, "components when they are empty", copied.Components(), nil)
	must(t, copied.Save(t.Context()))
	must(t, s.Reload(t.Context()))
	equalList(t, "components in the store", s.Components(), nil)
}

func TestComponentOfAnEndedSession(t *testing.T) {
	s := savedSession(t)
	copied, err := s.store.Get(t.Context(), s.ID())
	must(t, err)
	must(t, s.store.Destroy(t.Context(), s.ID()))
	_, err = copied.Component(t.Context(), "cart")
	wantErr(t, err, ErrNotFound)
	isEnded(t, copied, 1)
}
