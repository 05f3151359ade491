package session

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// TestBoltStoreCloseUnderLoad: what was acknowledged before Close returned is in the file.
func TestBoltStoreCloseUnderLoad(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		for round := range 10 {
			closeUnderLoad(t, opts, round)
		}
	})
}

func closeUnderLoad(t *testing.T, opts BoltOptions, round int) {
	path := fmt.Sprint(t.TempDir(), "/", round, ".db")
	opts.Reap = Never
	b, err := Open(path, &opts)
	if err != nil {
		t.Fatal(err)
	}
	var acknowledged sync.Map
	saves := make(chan struct{}, 16*1000)
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 1000 {
				id := testID(w*1000 + i)
				s := NewSession(b, id, newMeta(time.Now(), time.Hour, time.Hour))
				s.Set("n", 1)
				if err := s.Save(context.Background()); err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
				acknowledged.Store(id, true)
				saves <- struct{}{}
			}
		})
	}
	for range 50 * round {
		<-saves
	}
	var closers sync.WaitGroup
	for range 3 {
		closers.Go(func() {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closers.Wait()
	wg.Wait()
	again := openBoltAt(t, path, nil)
	acknowledged.Range(func(id, _ any) bool {
		if _, err := again.Get(t.Context(), id.(ID)); err != nil {
			t.Errorf("acknowledged, but: %v", err)
		}
		return !t.Failed()
	})
}
