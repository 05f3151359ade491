package statemachine

import (
	"slices"
	"time"

	"github.com/boltsession/session"
	"pgregory.net/rapid"
)

// create begins a session.
func (w *world) create(*rapid.T) {
	id := w.slot().id
	store, byProxy := w.door()
	s, err := store.Create(w.ctx, id)
	if w.model.last(id).alive(time.Now()) {
		w.same("Create", err, session.ErrExists)
		return
	}
	w.must(err)
	now := time.Now()
	w.put(&handle{Session: s, byProxy: byProxy, live: newLive(id, session.Meta{
		Created: now, LastAccess: now, End: now.Add(session.DefaultLifetime), MaxAge: session.DefaultMaxAge,
	})})
}

// begin begins a session with metadata of its own, as authors of stores do.
func (w *world) begin(*rapid.T) {
	id, now := w.slot().id, time.Now().UTC()
	meta := session.Meta{
		Created: now, LastAccess: now, End: now.Add(rapid.SampledFrom(lifetimes).Draw(w.T, "lifetime")),
		MaxAge: rapid.SampledFrom(ages).Draw(w.T, "max age"), User: w.user(),
	}
	store, byProxy := w.door()
	h := &handle{Session: session.NewSession(store, id, meta), byProxy: byProxy, live: newLive(id, meta)}
	w.put(h)
	if rapid.Bool().Draw(w.T, "saved") {
		w.same("Save", h.Save(w.ctx), w.model.save(h.live))
	}
}

// get gets a copy.
func (w *world) get(*rapid.T) {
	id := w.slot().id
	var names []string
	for _, name := range components[1:] {
		if rapid.Bool().Draw(w.T, "read "+name) {
			names = append(names, name)
		}
	}
	store, byProxy := w.door()
	s, err := store.Get(w.ctx, id, names...)
	v := w.model.last(id)
	if !v.alive(time.Now()) {
		w.same("Get", err, session.ErrNotFound)
		return
	}
	w.must(err)
	w.put(&handle{Session: s, byProxy: byProxy, live: loaded(id, v, names...)})
}

// acquire gets a handle on the live session.
func (w *world) acquire(*rapid.T) {
	id := w.slot().id
	s, release, err := w.manager.Store().Acquire(w.ctx, id)
	l, want := w.model.acquire(id)
	w.same("Acquire", err, want)
	if want == nil {
		w.put(&handle{Session: s, byProxy: true, live: l, release: release})
	}
}

// leave releases a handle, which is of no use from then on, and says so.
func (w *world) leave(*rapid.T) {
	i, h := w.pick()
	w.handles[i] = nil
	if w.release(h); !h.released {
		return
	}
	_, err := h.Destroy(w.ctx)
	w.same("Destroy of a released handle", err, session.ErrReleased)
	w.same("Set of a released handle", h.Set("a", "x"), session.ErrReleased)
	w.same("Save of a released handle", h.Save(w.ctx), session.ErrReleased)
	w.same("Reload of a released handle", h.Reload(w.ctx), session.ErrReleased)
	h.Touch()
}

// edit changes some keys of a component, or all.
func (w *world) edit(*rapid.T) {
	_, h := w.pick()
	name := w.component()
	c, err := h.Component(w.ctx, name)
	if want := w.model.component(h.live, name); want != nil {
		w.same("Component", err, want)
		return
	}
	w.must(err)
	for range rapid.IntRange(1, 3).Draw(w.T, "edits") {
		w.editOnce(c, h.live, name)
	}
	if rapid.Bool().Draw(w.T, "saved") {
		w.same("Save", h.Save(w.ctx), w.model.save(h.live))
	}
}

func (w *world) editOnce(c *session.Component, l *live, name string) {
	switch n := rapid.IntRange(0, 9).Draw(w.T, "kind of edit"); {
	case n < 6:
		key, value := w.key(), w.value()
		w.same("Set", c.Set(key, value), l.set(name, key, value, w.model.limit))
	case n < 8:
		key := w.key()
		c.Remove(key)
		l.remove(name, key)
	default:
		c.RemoveAll()
		if l.writable() == nil {
			*l.part(name) = part{cleared: true}
		}
	}
}

// set is what Set does.
func (l *live) set(name, key, value string, limit int) error {
	if err := l.writable(); err != nil {
		return err
	}
	p := l.part(name)
	next := p.shown()
	if old, ok := next[key]; ok && old == value {
		return nil
	}
	const head = 5 // room for the longest
	if next[key] = value; next.size()+head > limit {
		return session.ErrTooLarge
	}
	p.put(key, change{value: value, dirty: true})
	return nil
}

// remove is what Remove does.
func (l *live) remove(name, key string) {
	if l.writable() != nil {
		return
	}
	p := l.part(name)
	if _, ok := p.shown()[key]; ok {
		p.put(key, change{removed: true, dirty: true})
	}
}

// setMaxAge sets the idle timeout.
func (w *world) setMaxAge(*rapid.T) {
	_, h := w.pick()
	age := rapid.SampledFrom(ages).Draw(w.T, "max age")
	want := h.live.writable()
	w.same("SetMaxAge", h.SetMaxAge(age), want)
	if want == nil && h.live.meta.MaxAge != age {
		h.live.meta.MaxAge, h.live.metaDirty = age, true
	}
}

// setUser makes the session somebody's.
func (w *world) setUser(*rapid.T) {
	_, h := w.pick()
	user, want := w.user(), h.live.writable()
	w.same("SetUser", h.SetUser(user), want)
	if want == nil && h.live.meta.User != user {
		h.live.meta.User, h.live.metaDirty = user, true
	}
}

// touch touches a session by way of a handle.
func (w *world) touch(*rapid.T) {
	_, h := w.pick()
	h.Touch()
	w.model.touch(h.live)
}

// save saves, by the handle's method or the store's.
func (w *world) save(*rapid.T) {
	_, h := w.pick()
	err := error(nil)
	if rapid.Bool().Draw(w.T, "by handle") {
		err = h.Save(w.ctx)
	} else {
		store, _ := w.door()
		err = store.Save(w.ctx, h.Session)
	}
	w.same("Save", err, w.model.save(h.live))
}

// reload reads a session anew.
func (w *world) reload(*rapid.T) {
	_, h := w.pick()
	w.same("Reload", h.Reload(w.ctx), w.model.reload(h.live))
}

// destroyBy destroys a session by way of a handle.
func (w *world) destroyBy(*rapid.T) {
	_, h := w.pick()
	was, err := h.Destroy(w.ctx)
	w.must(err)
	if want := w.model.destroy(h.live, h.byProxy); was != want {
		w.Fatalf("Destroy says %v, want %v", was, want)
	}
}

// renew moves a session to another slot's ID, or to a new one in its own slot.
func (w *world) renew(*rapid.T) {
	_, h := w.pick()
	to := w.slot().id
	if i := slices.IndexFunc(w.slots[:], func(s slot) bool { return s.id == h.live.id }); i >= 0 && rapid.Bool().Draw(w.T, "to a new ID") {
		w.old, w.slots[i] = w.slots[i], w.newSlot()
		to = w.slots[i].id
	}
	err := as[session.Renewer](w).Renew(w.ctx, h.Session, to)
	w.same("Renew", err, w.model.renew(h.live, to))
}
