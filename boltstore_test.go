package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBoltStoreKeepsSessions(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		s := create(t, b, testID(1))
		cart, err := s.Component(t.Context(), "cart")
		if err != nil {
			t.Fatal(err)
		}
		cart.Set("apple", 3)
		s.SetUser("ann")
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Create(t.Context(), testID(1)); !errors.Is(err, ErrExists) {
			t.Errorf("Create over it: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		again := openBoltAt(t, b.path, &opts)
		got, err := again.Get(t.Context(), testID(1), "cart", "none")
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := Key[int]("n").Get(got); n != 1 || !ok {
			t.Errorf("n = %d, %v", n, ok)
		}
		cart, _ = got.Component(t.Context(), "cart")
		if n, _ := Key[int]("apple").Get(cart); n != 3 || got.User() != "ann" {
			t.Errorf("apple = %d, user %q", n, got.User())
		}
		if !got.Created().Equal(s.Created()) || !got.ExpiresAt().Equal(s.ExpiresAt()) {
			t.Errorf("times: %v, %v", got.Created(), got.ExpiresAt())
		}
	})
}

func TestBoltStoreRefusesNames(t *testing.T) {
	b := openBolt(t, nil)
	create(t, b, testID(1))
	meta := newMeta(time.Now(), time.Hour, time.Hour)
	meta.User = "a\x00b"
	for what, err := range map[string]error{
		"component of Get": func() error { _, err := b.Get(t.Context(), testID(1), "\x00"); return err }(),
		"component":        b.commit(t.Context(), Changes{ID: testID(1), Components: map[string]ComponentChanges{"\x00": {}}}),
		"user":             b.commit(t.Context(), Changes{ID: testID(2), New: true, Meta: &meta}),
	} {
		if !errors.Is(err, ErrInvalidName) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestBoltStoreTooLarge: two savers that are each within the limit are not together. Nothing of
// the second one's save is stored, and the first one's stays.
func TestBoltStoreTooLarge(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		opts.MaxComponentSize = 1000
		b := openBolt(t, &opts)
		create(t, b, testID(1))
		one, _ := b.Get(t.Context(), testID(1))
		two, _ := b.Get(t.Context(), testID(1))
		one.Set("one", make([]byte, 600))
		two.Set("two", make([]byte, 600))
		two.SetUser("ann")
		if err := one.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := two.Save(t.Context()); !errors.Is(err, ErrTooLarge) {
			t.Errorf("second save: %v", err)
		}
		s, _ := b.Get(t.Context(), testID(1))
		if !slices.Equal(s.Keys(), []string{"n", "one"}) || s.User() != "" {
			t.Errorf("keys %q, user %q", s.Keys(), s.User())
		}
	})
}

func TestBoltStoreContext(t *testing.T) {
	b := openBolt(t, nil)
	s := create(t, b, testID(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Set("n", 2)
	_, getErr := b.Get(ctx, testID(1))
	_, createErr := b.Create(ctx, testID(2))
	_, lengthErr := b.Length(ctx)
	_, reapErr := b.Reap(ctx)
	for what, err := range map[string]error{
		"Save": s.Save(ctx), "Destroy": b.Destroy(ctx, testID(1)), "Touch": b.Touch(ctx, testID(1), time.Now()),
		"Get": getErr, "Create": createErr, "Length": lengthErr, "Reap": reapErr, "Compact": b.Compact(ctx),
		"Renew": b.Renew(ctx, s, testID(2)), "Backup": b.Backup(ctx, filepath.Join(t.TempDir(), "copy.db")),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := b.Get(t.Context(), testID(1)); err != nil {
		t.Errorf("something was done: %v", err)
	}
}

func TestBoltStoreClosed(t *testing.T) {
	b := openBolt(t, nil)
	s := create(t, b, testID(1))
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	s.Set("n", 2)
	ctx := t.Context()
	_, getErr := b.Get(ctx, testID(1))
	_, createErr := b.Create(ctx, testID(2))
	_, lengthErr := b.Length(ctx)
	_, userErr := b.ByUser(ctx, "ann")
	_, clearErr := b.Clear(ctx)
	_, reapErr := b.Reap(ctx)
	var listErr error
	for _, err := range b.All(ctx) {
		listErr = err
	}
	for what, err := range map[string]error{
		"Save": s.Save(ctx), "Destroy": b.Destroy(ctx, testID(1)), "Touch": b.Touch(ctx, testID(1), time.Now()),
		"Get": getErr, "Create": createErr, "Length": lengthErr, "ByUser": userErr, "Clear": clearErr, "Reap": reapErr,
		"Renew": b.Renew(ctx, s, testID(2)), "Compact": b.Compact(ctx), "All": listErr,
		"Backup": b.Backup(ctx, filepath.Join(t.TempDir(), "copy.db")),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestBoltStoreRenew moves everything, in one step.
func TestBoltStoreRenew(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		s := create(t, b, testID(1))
		cart, _ := s.Component(t.Context(), "cart")
		cart.Set("apple", 3)
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, _ = b.Get(t.Context(), testID(1))
		s.Set("late", true)
		s.SetUser("ann")
		b.Touch(t.Context(), testID(1), time.Now())
		var told []string
		b.OnDestroy(func(id ID, r Reason) { told = append(told, r.String()) })
		create(t, b, testID(3))
		if err := b.Renew(t.Context(), s, testID(3)); !errors.Is(err, ErrExists) {
			t.Errorf("Renew to another's ID: %v", err)
		}
		if err := b.Renew(t.Context(), s, testID(2)); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context()); !errors.Is(err, ErrNotFound) {
			t.Errorf("Save of the old session: %v", err)
		}
		if err := b.Renew(t.Context(), s, testID(4)); !errors.Is(err, ErrNotFound) {
			t.Errorf("second Renew: %v", err)
		}
		got, err := b.Get(t.Context(), testID(2), "cart")
		if err != nil {
			t.Fatal(err)
		}
		cart, _ = got.Component(t.Context(), "cart")
		if n, _ := Key[int]("apple").Get(cart); n != 3 || !slices.Equal(got.Keys(), []string{"late", "n"}) {
			t.Errorf("apple = %d, keys %q", n, got.Keys())
		}
		if infos, err := b.ByUser(t.Context(), "ann"); len(infos) != 1 || infos[0].ID != testID(2) || err != nil {
			t.Errorf("ByUser = %v, %v", infos, err)
		}
		if !slices.Equal(told, []string{"renewed"}) {
			t.Errorf("told %q", told)
		}
	})
}

func TestBoltStoreLists(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		want := map[ID]bool{}
		createMany(t, b, 2*listPage+7, func(i int, s *Session) {
			if i%2 == 0 {
				c, _ := s.Component(t.Context(), "cart")
				c.Set("a", i)
				c.Set("b", i)
				s.SetUser("ann")
			}
		})
		for i := range 2*listPage + 7 {
			want[testID(i)] = true
		}
		got := map[ID]bool{}
		for info, err := range b.All(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			counts := map[string]int{"": 1}
			if info.User == "ann" {
				counts["cart"] = 2
			}
			if got[info.ID] || !maps.Equal(info.Components, counts) {
				t.Errorf("%s twice, or %v", info.ID.Short(), info.Components)
			}
			got[info.ID] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%d sessions listed, want %d", len(got), len(want))
		}
		for range b.All(t.Context()) {
			break // stops without harm
		}
		if n, err := b.Length(t.Context()); n != len(want) || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
		infos, err := b.ByUser(t.Context(), "ann")
		if len(infos) != listPage+4 || err != nil {
			t.Errorf("ByUser: %d, %v", len(infos), err)
		}
		if n, err := b.Clear(t.Context()); n != len(want) || err != nil {
			t.Errorf("Clear = %d, %v", n, err)
		}
		if n, err := b.Length(t.Context()); n != 0 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
	})
}

func TestBoltStoreUsers(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		var told []string
		b.OnDestroy(func(id ID, r Reason) { told = append(told, id.Short()+r.String()) })
		for i, user := range []string{"ann", "ann", "ann", "anne", "", "bob"} {
			s := create(t, b, testID(i))
			s.SetUser(user)
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			if i == 2 {
				s.SetUser("bob")
				if err := s.Save(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n, err := b.DestroyUser(t.Context(), "ann", testID(1)); n != 1 || err != nil {
			t.Errorf("DestroyUser = %d, %v", n, err)
		}
		if n, err := b.DestroyUser(t.Context(), ""); n != 0 || err != nil {
			t.Errorf("DestroyUser of nobody = %d, %v", n, err)
		}
		if want := []string{testID(0).Short() + "revoked"}; !slices.Equal(told, want) {
			t.Errorf("told %q", told)
		}
		for user, want := range map[string]int{"ann": 1, "anne": 1, "bob": 2, "an": 0, "": 0} {
			if infos, err := b.ByUser(t.Context(), user); len(infos) != want || err != nil {
				t.Errorf("ByUser(%q): %d, %v", user, len(infos), err)
			}
		}
	})
}

// TestBoltStoreDamagedRecord: it ends its session, and no other.
func TestBoltStoreDamagedRecord(t *testing.T) {
	damage := map[string]func(tables) error{
		"metadata":  func(tab tables) error { return flip(tab, "", metaKey(testID(1))) },
		"values":    func(tab tables) error { return flip(tab, "", dataKey("", testID(1))) },
		"component": func(tab tables) error { return flip(tab, "cart", dataKey("cart", testID(1))) },
		"missing":   func(tab tables) error { return tab.component("cart").Delete(dataKey("cart", testID(1))) },
		"swapped": func(tab tables) error {
			return tab.global.Put(dataKey("", testID(1)), tab.global.Get(dataKey("", testID(2))))
		},
	}
	for name, change := range damage {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sessions.db")
			b, err := Open(path, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				s := create(t, b, testID(i))
				c, _ := s.Component(t.Context(), "cart")
				c.Set("apple", i)
				if err := s.Save(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			b.Close()
			tamper(t, path, change)
			ro := openBoltAtUnchecked(t, path, &BoltOptions{ReadOnly: true})
			if _, err := ro.Get(t.Context(), testID(1), "cart"); !errors.Is(err, ErrNotFound) {
				t.Errorf("read only: %v", err)
			}
			ro.Close()
			again := openBoltAtUnchecked(t, path, nil)
			defer again.Close()
			var told []Reason
			again.OnDestroy(func(id ID, r Reason) { told = append(told, r) })
			if _, err := again.Get(t.Context(), testID(1), "cart"); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get: %v", err)
			}
			if !slices.Equal(told, []Reason{Damaged}) {
				t.Errorf("told %v", told)
			}
			if n, err := again.Length(t.Context()); n != 2 || err != nil {
				t.Errorf("Length = %d, %v", n, err)
			}
			if s, err := again.Get(t.Context(), testID(2), "cart"); err != nil || len(s.Keys()) != 1 {
				t.Errorf("the other session: %v", err)
			}
			create(t, again, testID(1))
		})
	}
}

// flip changes one bit of a record.
func flip(tab tables, component string, key []byte) error {
	b := tab.component(component)
	value := slices.Clone(b.Get(key))
	value[len(value)/2] ^= 1
	return b.Put(key, value)
}

func TestBoltStoreSaveOfDamagedSession(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		path := filepath.Join(t.TempDir(), "sessions.db")
		b := openBoltAtUnchecked(t, path, nil)
		create(t, b, testID(1))
		s, _ := b.Get(t.Context(), testID(1))
		b.Close()
		tamper(t, path, func(tab tables) error { return flip(tab, "", metaKey(testID(1))) })
		again := openBoltAtUnchecked(t, path, &opts)
		defer again.Close()
		s.Set("n", 2)
		if err := s.saveTo(t.Context(), again); !errors.Is(err, ErrNotFound) {
			t.Errorf("Save: %v", err)
		}
		if n := again.Stats().Sessions; n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// openBoltAtUnchecked opens a store whose file will not pass the check at the end.
func openBoltAtUnchecked(t *testing.T, path string, opts *BoltOptions) *BoltStore {
	t.Helper()
	o := BoltOptions{}
	if opts != nil {
		o = *opts
	}
	o.Logger = slog.New(slog.DiscardHandler)
	b, err := Open(path, &o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBoltStoreBackup(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		for i := range 50 {
			create(t, b, testID(i))
		}
		path := filepath.Join(t.TempDir(), "copy.db")
		if err := b.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if err := b.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), "exist") {
			t.Errorf("Backup over a file: %v", err)
		}
		copied := openBoltAt(t, path, nil)
		if n, err := copied.Length(t.Context()); n != 50 || err != nil {
			t.Errorf("the copy has %d sessions, %v", n, err)
		}
	})
}

func TestBoltStoreCompact(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		createMany(t, b, 300, func(i int, s *Session) {
			s.Set("data", make([]byte, 5000))
			if i >= 10 {
				s.SetUser("ann")
			}
		})
		if n, err := b.DestroyUser(t.Context(), "ann"); n != 290 || err != nil {
			t.Fatal(n, err)
		}
		before := b.Stats().FileBytes
		if err := b.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := b.Stats().FileBytes; after > before/4 {
			t.Errorf("%d bytes before, %d after", before, after)
		}
		create(t, b, testID(300))
		if n, err := b.Length(t.Context()); n != 11 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
	})
}

// TestBoltStoreSyncEvery: saves are read at once and committed together, in time.
func TestBoltStoreSyncEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, &BoltOptions{SyncEvery: time.Second})
		before := b.Stats().Commits
		s := create(t, b, testID(1))
		for i := range 100 {
			s.Set(fmt.Sprint("key ", i%10), i)
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got, err := b.Get(t.Context(), testID(1)); err != nil || !slices.Equal(got.Keys(), s.Keys()) {
				t.Fatalf("what was saved is not read: %v", err)
			}
		}
		if st := b.Stats(); st.Commits != before || st.Pending != 1 || st.PendingBytes == 0 {
			t.Errorf("before SyncEvery: %+v", st)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if st := b.Stats(); st.Commits != before+1 || st.Pending != 0 || st.PendingBytes != 0 || st.Sessions != 1 {
			t.Errorf("after SyncEvery: %+v", st)
		}
		other, _ := b.Get(t.Context(), testID(1))
		other.Set("n", 2)
		if err := other.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Destroy(t.Context(), testID(1)); err != nil {
			t.Fatal(err)
		}
		if st := b.Stats(); st.Commits != before+2 || st.Pending != 0 || st.Sessions != 0 {
			t.Errorf("Destroy did not wait for its commit: %+v", st)
		}
	})
}

// TestBoltStoreNothingWritesNothing: what changes nothing costs no commit.
func TestBoltStoreNothingWritesNothing(t *testing.T) {
	b := openBolt(t, nil)
	s := create(t, b, testID(1))
	before := b.Stats().Commits
	s.Set("n", 1)
	_, reapErr := b.Reap(t.Context())
	_, userErr := b.DestroyUser(t.Context(), "ann")
	if err := errors.Join(b.Destroy(t.Context(), testID(2)), s.Save(t.Context()), reapErr, userErr); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), testID(3)); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if n := b.Stats().Commits - before; n != 0 {
		t.Errorf("%d commits", n)
	}
}
