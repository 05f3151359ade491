package sessiontest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// TestReopen tests that a store keeps its sessions when it is closed and opened again. open
// opens the store that is in the directory dir, or makes one there; within a check it is called
// for the same directory again after the store of the call before is closed. Like TestStore, it
// asks for stores that do not reap by themselves within the next minute, and closes them.
func TestReopen(t *testing.T, open func(t *testing.T, dir string) session.Store) {
	t.Helper()
	suite := suite{bubble: inBubble(t)}
	for _, c := range reopenChecks() {
		suite.run(t, c.name, func(t *testing.T) {
			dir := t.TempDir()
			c.run(newKit(t, func(t *testing.T) session.Store { return open(t, dir) }))
		})
	}
}

func reopenChecks() []check {
	return []check{
		{"Sessions", checkReopenSessions},
		{"Ended", checkReopenEnded},
		{"Expired", checkReopenExpired},
		{"Touched", checkReopenTouched},
		{"Indexes", checkReopenIndexes},
		{"CloseUnderLoad", checkCloseUnderLoad},
	}
}

// checkReopenSessions: values and metadata are as they were, and can be saved to again.
func checkReopenSessions(k *kit) {
	s := k.stored(ofUser("anna"))
	set(k, k.component(s, "cart"), "item", 1)
	if err := s.SetMaxAge(70 * time.Hour); err != nil {
		k.Fatal(err)
	}
	k.save(s)
	want := metaOf(k.get(s.ID()))
	k.reopen()
	found := k.get(s.ID(), "cart")
	has(k, found, "kept", "kept", "what was saved is there after a restart")
	has(k, k.component(found, "cart"), "item", 1, "what was saved is there after a restart")
	got := metaOf(k.get(s.ID()))
	if !got.Created.Equal(want.Created) || !got.LastAccess.Equal(want.LastAccess) || !got.End.Equal(want.End) ||
		got.MaxAge != want.MaxAge || got.User != want.User || string(got.Salt) != string(want.Salt) || string(got.Fingerprint) != string(want.Fingerprint) {
		k.Errorf("after a restart the metadata is %+v, want %+v", got, want)
	}
	set(k, found, "second", 2)
	k.save(found)
	k.reopen()
	found = k.get(s.ID())
	has(k, found, "kept", "kept", "a save after a restart merges into what was saved before")
	has(k, found, "second", 2, "what was saved after a restart is there after the next")
}

// checkReopenEnded: an end is for good.
func checkReopenEnded(k *kit) {
	s := k.stored()
	late := k.get(s.ID())
	if err := k.store.Destroy(k.ctx, s.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	ended := []session.ID{s.ID()}
	var renewed session.ID
	if renewer, ok := session.As[session.Renewer](k.store); ok {
		old := k.stored()
		renewed = newID()
		if err := renewer.Renew(k.ctx, old, renewed); err != nil {
			k.Fatalf("Renew: %v", err)
		}
		ended = append(ended, old.ID())
	}
	k.reopen()
	for _, id := range ended {
		k.gone(id, "it was destroyed or renewed before a restart: commit an end before answering")
	}
	if renewed != (session.ID{}) {
		has(k, k.get(renewed), "kept", "kept", "a session that was renewed before a restart is there under its new ID")
	}
	set(k, late, "late", 1)
	k.is("Save, after a restart, of a copy of a session that was destroyed before it", k.store.Save(k.ctx, late), session.ErrNotFound, reviveWhy)
	k.gone(s.ID(), reviveWhy)
}

// checkReopenExpired: a restart makes no session younger.
func checkReopenExpired(k *kit) {
	idle, live := k.stored(expired), k.stored()
	k.reopen()
	k.gone(idle.ID(), "it is past its idle timeout; times come from Meta, not from the start of the process")
	k.get(live.ID())
	if offers[session.Lister](k.store) {
		k.length(1, "one of two sessions is expired, also after a restart")
	}
	if offers[session.Reapable](k.store) {
		k.reap(1, "one of two sessions is expired, also after a restart")
	}
}

// checkReopenTouched: Close stores touches that the store collected.
func checkReopenTouched(k *kit) {
	id := k.stored().ID()
	s := k.get(id)
	s.Touch()
	k.save(s)
	want := k.get(id).LastAccess()
	k.reopen()
	if got := k.get(id).LastAccess(); !got.Equal(want) {
		k.Errorf("after a restart the last access is %v, want %v: Close stores the touches that were accepted", got, want)
	}
}

// checkReopenIndexes: what the store finds sessions by is there, too.
func checkReopenIndexes(k *kit) {
	annas, bertas := k.stored(ofUser("anna")), k.stored(ofUser("anna"))
	if err := bertas.SetUser("berta"); err != nil {
		k.Fatal(err)
	}
	k.save(bertas)
	k.reopen()
	if offers[session.Lister](k.store) {
		k.length(2, "two sessions were stored before a restart")
		if n := len(k.all()); n != 2 {
			k.Errorf("All lists %d sessions after a restart, want 2", n)
		}
	}
	if offers[session.UserIndex](k.store) {
		k.usersSessions("anna", annas.ID())
		k.usersSessions("berta", bertas.ID())
		k.destroyUser("anna", 1)
		k.gone(annas.ID(), "DestroyUser ended it, after a restart")
	}
}

// checkCloseUnderLoad: each save amid a close was either stored or refused.
func checkCloseUnderLoad(k *kit) {
	var mu sync.Mutex
	outcome := make(map[session.ID]error)
	save := func() error {
		s := session.NewSession(k.store, newID(), newMeta())
		err := s.Set("key", 1)
		if err == nil {
			err = k.store.Save(k.ctx, s)
		}
		mu.Lock()
		defer mu.Unlock()
		outcome[s.ID()] = err
		return err
	}
	saver := func() error {
		for range 10_000 {
			err := save()
			if errors.Is(err, session.ErrClosed) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	closer := func() error {
		for range 20 {
			if err := save(); err != nil {
				return err
			}
		}
		return k.store.Close()
	}
	if err := together(saver, saver, saver, closer); err != nil {
		k.Fatal(err)
	}
	k.reopen()
	for id, saved := range outcome {
		if _, err := k.store.Get(k.ctx, id); (err == nil) != (saved == nil) {
			k.Fatalf("Save during Close gave %v, but Get after a restart %v: Close waits for work under way, stores what was accepted and refuses the rest", saved, err)
		}
	}
}
