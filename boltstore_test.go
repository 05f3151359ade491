package session

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
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
