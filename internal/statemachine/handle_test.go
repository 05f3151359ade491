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

// leave releases a handle, which stays where it is.
func (w *world) leave(*rapid.T) {
	w.release(w.pick())
}

// usable returns a handle. The errors of one that was released are checked here.
func (w *world) usable() *handle {
	h := w.pick()
	if !h.released {
		return h
	}
	_, err := h.Destroy(w.ctx)
	w.same("Destroy of a released handle", err, session.ErrReleased)
	w.same("Set of a released handle", h.Set("a", "x"), session.ErrReleased)
	w.same("Save of a released handle", h.Save(w.ctx), session.ErrReleased)
	w.same("Reload of a released handle", h.Reload(w.ctx), session.ErrReleased)
	h.Touch()
	w.Skip("released")
	return nil
}

// edit changes a key of a component, or all.
func (w *world) edit(*rapid.T) {
	h := w.usable()
	name, key, n := w.component(), w.key(), rapid.IntRange(0, 9).Draw(w.T, "kind of edit")
	c, err := h.Component(w.ctx, name)
	if want := w.model.component(h.live, name); want != nil {
		w.same("Component", err, want)
		return
	}
	w.must(err)
	switch {
	case n < 6:
		value := w.value()
		w.same("Set", c.Set(key, value), h.live.set(name, key, value, w.model.limit))
	case n < 8:
		c.Remove(key)
		h.live.remove(name, key)
	default:
		c.RemoveAll()
		if h.live.writable() == nil {
			*h.live.part(name) = part{cleared: true}
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
	h := w.usable()
	age := rapid.SampledFrom(ages).Draw(w.T, "max age")
	want := h.live.writable()
	w.same("SetMaxAge", h.SetMaxAge(age), want)
	if want == nil && h.live.meta.MaxAge != age {
		h.live.meta.MaxAge, h.live.metaDirty = age, true
	}
}

// setUser makes the session somebody's.
func (w *world) setUser(*rapid.T) {
	h := w.usable()
	user, want := w.user(), h.live.writable()
	w.same("SetUser", h.SetUser(user), want)
	if want == nil && h.live.meta.User != user {
		h.live.meta.User, h.live.metaDirty = user, true
	}
}

// touch touches a session by way of a handle.
func (w *world) touch(*rapid.T) {
	h := w.usable()
	h.Touch()
	w.model.touch(h.live)
}

// save saves, by the handle's method or the store's.
func (w *world) save(*rapid.T) {
	h := w.usable()
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
	h := w.usable()
	w.same("Reload", h.Reload(w.ctx), w.model.reload(h.live))
}

// destroyBy destroys a session by way of a handle.
func (w *world) destroyBy(*rapid.T) {
	h := w.usable()
	was, err := h.Destroy(w.ctx)
	w.must(err)
	if want := w.model.destroy(h.live, h.byProxy); was != want {
		w.Fatalf("Destroy says %v, want %v", was, want)
	}
}

// renew moves a session to another slot's ID, or to a new one in its own slot.
func (w *world) renew(*rapid.T) {
	h := w.usable()
	to := w.slot().id
	if i := slices.IndexFunc(w.slots[:], func(s slot) bool { return s.id == h.live.id }); i >= 0 && rapid.Bool().Draw(w.T, "to a new ID") {
		w.old, w.slots[i] = w.slots[i], w.newSlot()
		to = w.slots[i].id
	}
	err := as[session.Renewer](w).Renew(w.ctx, h.Session, to)
	w.same("Renew", err, w.model.renew(h.live, to))
}
