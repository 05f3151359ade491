package statemachine

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/boltsession/session"
	"pgregory.net/rapid"
)

// How much there is of everything: little, so that operations meet.
var (
	components = []string{"", "cart", "prefs"}
	keys       = []string{"a", "b", "c"}
	users      = []string{"", "ann", "annie"}
	ages       = []time.Duration{time.Second, 20 * time.Second, 2 * time.Minute, 4 * time.Hour}
	lifetimes  = []time.Duration{24 * time.Hour, time.Hour, time.Minute}
	pauses     = []time.Duration{time.Millisecond, time.Second, 5 * time.Second, 19 * time.Second, time.Minute, 3 * time.Hour}
)

const (
	slots   = 2 // sessions that operations are about
	handles = 3
)

// world is a store, what is done with it, and the model of both.
type world struct {
	*rapid.T
	ctx     context.Context
	store   session.Store
	manager *session.Manager
	model   model
	reaps   bool // sometimes by itself

	slots   [slots]slot
	old     slot         // one that was renewed away
	known   []session.ID // all that ever were
	handles [handles]*handle

	told notices   // by the store
	file *boltFile // nil: there is none
	made int       // tokens and files
}

// slot is a session as its client knows it.
type slot struct {
	token string
	id    session.ID
}

// handle is a handle on a session, and what it should show.
type handle struct {
	*session.Session
	live     *live
	release  func() // nil: it is a copy
	byProxy  bool
	released bool
}

// newWorld returns a world with an open store. limit is that of its components.
func newWorld(t *rapid.T, store session.Store, limit int) *world {
	w := &world{T: t, ctx: context.Background()}
	w.model.stored = &stored{sessions: map[session.ID][]version{}, limit: limit, touchInterval: time.Hour}
	for i := range w.slots {
		w.slots[i] = w.newSlot()
	}
	w.old = w.newSlot()
	w.use(store)
	return w
}

// use makes store the one that is used. Handles on another one are of no use any more.
func (w *world) use(store session.Store) {
	w.store, w.model.proxied = store, newProxied()
	w.handles = [handles]*handle{}
	notifier, _ := session.As[session.Notifier](store)
	notifier.OnDestroy(w.told.add)
	manager, err := session.New(store, &session.Options{
		MaxAge: 2 * time.Minute, Lifetime: 10 * time.Minute, Fingerprint: session.FingerprintNone, Logger: quiet,
	})
	w.must(err)
	w.manager = manager
}

var quiet = slog.New(slog.DiscardHandler)

// tempDir returns a directory that goes with the sequence: in memory where that can be had, as
// nothing here depends on a disk, and its syncs are most of what a step takes.
func tempDir(t *rapid.T) string {
	parent := "/dev/shm"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "statemachine-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// path returns the path of a file that does not exist.
func (w *world) path(kind string) string {
	w.made++
	return filepath.Join(w.file.dir, kind+string(rune('a'+w.made%26))+string(rune('a'+w.made/26)))
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// same fails unless a call's error is of the kind that the model says.
func (w *world) same(call string, got, want error) {
	w.Helper()
	if !errors.Is(got, want) || want == nil && got != nil {
		w.Fatalf("%s: %v, want %v", call, got, want)
	}
}

// check compares what can be seen without changing anything, after each step.
func (w *world) check(*rapid.T) {
	w.Helper()
	for _, id := range w.known {
		w.checkGet(id)
	}
	w.checkTold()
	for i, h := range w.handles {
		if h != nil {
			w.checkHandle(i, h)
		}
	}
	if w.file != nil {
		w.checkStats()
	}
}

// checkGet compares what the store has under an ID.
func (w *world) checkGet(id session.ID) {
	w.Helper()
	got, want := w.read(w.store, id), w.model.last(id)
	switch {
	case got.none && !want.alive(time.Now()):
	case got.none:
		w.Fatalf("%s is gone, want %v", w.name(id), want)
	case !want.alive(time.Now()):
		w.Fatalf("%s is there: %v", w.name(id), got)
	case !got.same(want):
		w.Fatalf("%s is %v, want %v", w.name(id), got, want)
	}
}

// read returns what a store has under an ID.
func (w *world) read(store session.Store, id session.ID) version {
	w.Helper()
	s, err := store.Get(w.ctx, id, components...)
	if errors.Is(err, session.ErrNotFound) {
		return version{none: true}
	}
	w.must(err)
	v := version{meta: metaOf(s), comps: map[string]values{}}
	for _, name := range components {
		if all := w.valuesOf(s, name); len(all) > 0 {
			v.comps[name] = all
		}
	}
	if !slices.Equal(s.Components(), v.names()) {
		w.Fatalf("%s says it has the components %q, and has %q", w.name(id), s.Components(), v.names())
	}
	return v
}

// metaOf returns the metadata of a copy that nobody needs any more: the end of its lifetime shows
// only in its changes.
func metaOf(s *session.Session) session.Meta {
	age := s.MaxAge()
	if err := s.SetMaxAge(age + time.Second); err != nil {
		return session.Meta{}
	}
	meta := *s.Changes().Meta
	meta.MaxAge = age
	return meta
}

// valuesOf returns what a session shows of a component that it has.
func (w *world) valuesOf(s *session.Session, name string) values {
	w.Helper()
	c, err := s.Component(w.ctx, name)
	w.must(err)
	all := values{}
	for _, key := range c.Keys() {
		var value string
		w.must(c.Get(key, &value))
		all[key] = value
	}
	return all
}

// checkHandle compares what a handle shows.
func (w *world) checkHandle(i int, h *handle) {
	w.Helper()
	l := h.live
	for name, p := range l.parts {
		if got, want := w.valuesOf(h.Session, name), p.shown(); !maps.Equal(got, want) {
			w.Fatalf("handle %d shows %v in %q, want %v", i, got, name, want)
		}
	}
	switch {
	case h.ID() != l.id:
		w.Fatalf("handle %d is on %s, want %s", i, w.name(h.ID()), w.name(l.id))
	case !h.LastAccess().Equal(l.meta.LastAccess), h.MaxAge() != l.meta.MaxAge, h.User() != l.meta.User, !h.ExpiresAt().Equal(l.meta.ExpiresAt()):
		w.Fatalf("handle %d shows %v, %v, %q, %v, want %+v", i, h.LastAccess(), h.MaxAge(), h.User(), h.ExpiresAt(), l.meta)
	case h.IsNew() != l.isNew, h.IsDirty() != l.dirty():
		w.Fatalf("handle %d is new: %v, dirty: %v, want %v, %v", i, h.IsNew(), h.IsDirty(), l.isNew, l.dirty())
	case !slices.Equal(h.Components(), l.componentNames()):
		w.Fatalf("handle %d has the components %q, want %q", i, h.Components(), l.componentNames())
	case closed(h.Done()) != l.ended:
		w.Fatalf("handle %d has ended: %v, want %v", i, closed(h.Done()), l.ended)
	}
}

func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
