package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bothModes runs f with every save on disk and with SyncEvery.
func bothModes(t *testing.T, f func(t *testing.T, opts BoltOptions)) {
	t.Run("durable", func(t *testing.T) { f(t, BoltOptions{}) })
	t.Run("sync every", func(t *testing.T) { f(t, BoltOptions{SyncEvery: 2 * time.Millisecond}) })
}

// TestBoltStoreDestroyAgainstSave: of a session that is saved and destroyed at once, nothing
// is ever left, nor comes back.
func TestBoltStoreDestroyAgainstSave(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		const workers, rounds = 50, 100
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for r := range rounds {
					destroyAgainstSave(t, b, testID(w*rounds+r), r)
				}
			})
		}
		wg.Wait()
		if n, err := b.Length(t.Context()); n != 0 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
	})
}

func destroyAgainstSave(t *testing.T, b *BoltStore, id ID, round int) {
	s := create(t, b, id)
	saver, err := b.Get(t.Context(), id)
	if err != nil {
		t.Error(err)
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 2 + round%3 {
			saver.Set("n", i+2)
			if err := saver.Save(t.Context()); err != nil && !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		s.Touch()
		if err := b.Destroy(t.Context(), id); err != nil {
			t.Error(err)
		}
		if _, err := b.Get(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("after Destroy returned: %v", err)
		}
	})
	wg.Wait()
	if _, err := b.Get(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Destroy and save: %v", err)
	}
}

// TestBoltStoreRenewAgainstSave: a save that returned nil is in the renewed session, one that did
// not is ErrNotFound.
func TestBoltStoreRenewAgainstSave(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		var wg sync.WaitGroup
		for w := range 32 {
			wg.Go(func() {
				for r := range 30 {
					renewAgainstSave(t, b, testID(2*(w*30+r)), testID(2*(w*30+r)+1))
				}
			})
		}
		wg.Wait()
	})
}

func renewAgainstSave(t *testing.T, b *BoltStore, from, to ID) {
	create(t, b, from)
	saver, _ := b.Get(t.Context(), from)
	mover, _ := b.Get(t.Context(), from)
	var saved atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 5 {
			saver.Set(fmt.Sprint("key", i), i)
			switch err := saver.Save(t.Context()); {
			case err == nil:
				saved.Add(1)
			case !errors.Is(err, ErrNotFound):
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		if err := b.Renew(t.Context(), mover, to); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	s, err := b.Get(t.Context(), to)
	if err != nil {
		t.Error(err)
		return
	}
	if got := len(s.Keys()) - 1; got != int(saved.Load()) {
		t.Errorf("the renewed session has %d of %d saved keys", got, saved.Load())
	}
	if _, err := b.Get(t.Context(), from); !errors.Is(err, ErrNotFound) {
		t.Errorf("the old session: %v", err)
	}
}

// TestBoltStoreSaversOfDifferentKeys lose nothing to each other.
func TestBoltStoreSaversOfDifferentKeys(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		b := openBolt(t, &opts)
		create(t, b, testID(1))
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for i := range 40 {
					s, err := b.Get(t.Context(), testID(1), "cart")
					if err != nil {
						t.Error(err)
						return
					}
					c, _ := s.Component(t.Context(), "cart")
					c.Set(fmt.Sprint("key ", w, " ", i), i)
					s.Set(fmt.Sprint("last of ", w), i)
					if err := s.Save(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		s, _ := b.Get(t.Context(), testID(1), "cart")
		c, _ := s.Component(t.Context(), "cart")
		if got := len(c.Keys()); got != 16*40 {
			t.Errorf("the cart has %d keys, want %d", got, 16*40)
		}
		for w := range 16 {
			if n, _ := Key[int](fmt.Sprint("last of ", w)).Get(s); n != 39 {
				t.Errorf("saver %d: %d is not its last", w, n)
			}
		}
	})
}

// TestBoltStoreManyAtOnce has everything go on at once; the check at the end sees to it that the
// file is whole. It is also where a deadlock would show.
func TestBoltStoreManyAtOnce(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		opts.TouchInterval = 5 * time.Millisecond
		b := openBolt(t, &opts)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for _, work := range slices.Concat(visitors(ctx, b), visitors(ctx, b), visitors(ctx, b), operators(ctx, b, t.TempDir())) {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(rand.Uint64(), 0))
				for ctx.Err() == nil {
					if err := work(r); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrExists) && ctx.Err() == nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if _, err := b.Reap(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func anyID(r *rand.Rand) ID { return testID(r.IntN(200)) }

// visitors do what requests do.
func visitors(ctx context.Context, b *BoltStore) []func(*rand.Rand) error {
	return []func(*rand.Rand) error{
		func(r *rand.Rand) error { return createShort(ctx, b, anyID(r), r) },
		func(r *rand.Rand) error { return createShort(ctx, b, anyID(r), r) },
		func(r *rand.Rand) error {
			s, err := b.Get(ctx, anyID(r), "cart")
			if err != nil {
				return err
			}
			c, _ := s.Component(ctx, "cart")
			c.Set(fmt.Sprint(r.IntN(10)), make([]byte, r.IntN(2000)))
			s.Touch()
			return s.Save(ctx)
		},
		func(r *rand.Rand) error {
			s, err := b.Get(ctx, anyID(r))
			if err != nil {
				return err
			}
			return b.Renew(ctx, s, anyID(r))
		},
		func(r *rand.Rand) error { return b.Destroy(ctx, anyID(r)) },
		func(r *rand.Rand) error { return b.Touch(ctx, anyID(r), time.Now()) },
	}
}

// operators do what happens beside requests.
func operators(ctx context.Context, b *BoltStore, dir string) []func(*rand.Rand) error {
	backups := 0
	return []func(*rand.Rand) error{
		func(r *rand.Rand) error { _, err := b.Reap(ctx); return err },
		func(r *rand.Rand) error { _, err := b.Length(ctx); return err },
		func(r *rand.Rand) error { _, err := b.ByUser(ctx, "ann"); return err },
		func(r *rand.Rand) error { return b.Compact(ctx) },
		func(r *rand.Rand) error { backups++; return b.Backup(ctx, fmt.Sprint(dir, "/", backups, ".db")) },
		func(r *rand.Rand) (err error) {
			switch r.IntN(20) {
			case 0:
				_, err = b.Clear(ctx)
			case 1, 2:
				_, err = b.DestroyUser(ctx, "ann", anyID(r))
			default:
				_, err = b.Get(ctx, anyID(r), "cart")
			}
			return err
		},
		func(r *rand.Rand) error {
			for _, err := range b.All(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// createShort stores a session of a short life.
func createShort(ctx context.Context, b *BoltStore, id ID, r *rand.Rand) error {
	s, err := b.Create(ctx, id)
	if err != nil {
		return err
	}
	s.Set("n", r.Int())
	s.SetMaxAge(time.Second)
	if r.IntN(2) == 0 {
		s.SetUser("ann")
	}
	return s.Save(ctx)
}
