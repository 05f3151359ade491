//go:build linux

package race

import (
	"context"
	"fmt"
	"sync"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

const (
	raceSaverCount = 16
	raceSaverKeys  = 10
)

// raceSavers has copies of one session saved that changed different keys and components: each has
// to find what it saved last, at once and in the end.
func raceSavers(ctx context.Context, t *trial.Trial, kind raceKind) error {
	store, err := kind.start(t, "savers")
	if err != nil {
		return err
	}
	id, err := raceSession(ctx, store, "savers")
	if err != nil {
		return err
	}
	saves := t.Size(20_000, 800) / raceSaverCount
	var wg sync.WaitGroup
	for w := range raceSaverCount {
		wg.Go(func() {
			for i := range saves {
				if err := raceSave(ctx, store, id, w, i); err != nil {
					t.Fail("%s: saver %d: %v", kind.name, w, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := store.reopen(); err != nil {
		return err
	}
	lost := 0
	for w := range raceSaverCount {
		for key := range min(raceSaverKeys, saves) {
			last := saves - 1 - (saves-1-key)%raceSaverKeys
			if err := raceSaved(ctx, store, id, w, last); err != nil {
				t.Fail("%s: in the end %v", kind.name, err)
				lost++
			}
		}
	}
	t.Figure("%s: %d saves of copies by %d savers, %d of their last values lost", kind.name, saves*raceSaverCount, raceSaverCount, lost)
	return store.inner.Close()
}

// raceSave does one saver's i-th save, in a copy, and looks for it in another.
func raceSave(ctx context.Context, store *raceStore, id session.ID, w, i int) error {
	name := raceComponent(w)
	s, err := store.store.Get(ctx, id, name)
	if err != nil {
		return err
	}
	c, err := s.Component(ctx, name)
	if err != nil {
		return err
	}
	key := fmt.Sprint("saver ", w, " key ", i%raceSaverKeys)
	if err := c.Set(key, i); err != nil {
		return err
	}
	if err := s.Set(key, i); err != nil {
		return err
	}
	if err := s.Save(ctx); err != nil {
		return err
	}
	return raceSaved(ctx, store, id, w, i)
}

// raceComponent is shared by some of the savers.
func raceComponent(w int) string { return fmt.Sprint("component ", w%4) }

// raceSaved looks for what a saver saved.
func raceSaved(ctx context.Context, store *raceStore, id session.ID, w, i int) error {
	name := raceComponent(w)
	s, err := store.store.Get(ctx, id, name)
	if err != nil {
		return err
	}
	c, err := s.Component(ctx, name)
	if err != nil {
		return err
	}
	key := session.Key[int](fmt.Sprint("saver ", w, " key ", i%raceSaverKeys))
	inComponent, _ := key.Get(c)
	global, _ := key.Get(s)
	if inComponent != i || global != i {
		return fmt.Errorf("save %d of saver %d is not there: %d and %d are", i, w, inComponent, global)
	}
	return nil
}
