package statemachine

import (
	"maps"
	"slices"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
	"pgregory.net/rapid"
)

// pause lets time pass, some of it or until about when a session expires.
func (w *world) pause(*rapid.T) {
	d := rapid.SampledFrom(pauses).Draw(w.T, "pause")
	if rapid.IntRange(0, 2).Draw(w.T, "to a deadline") == 2 {
		v := w.model.last(w.slot().id)
		before := rapid.SampledFrom([]time.Duration{0, 1, time.Second, -1, -time.Second}).Draw(w.T, "before it")
		if left := time.Until(v.meta.ExpiresAt()) - before; !v.none && left > 0 {
			d = left
		}
	}
	time.Sleep(d)
	synctest.Wait()
}

// destroy destroys a session.
func (w *world) destroy(*rapid.T) {
	id := w.slot().id
	store, byProxy := w.door()
	w.must(store.Destroy(w.ctx, id))
	w.model.end(id, session.Destroyed)
	if byProxy {
		w.model.endLive(id)
	}
}

// touchID touches a session, now or at another time.
func (w *world) touchID(*rapid.T) {
	id := w.slot().id
	at := time.Now().Add(time.Duration(rapid.IntRange(-1, 1).Draw(w.T, "ahead")) * 10 * time.Second).UTC()
	w.must(as[session.Toucher](w).Touch(w.ctx, id, at))
	w.model.stored.touch(id, at, w.model.touchInterval)
}

// destroyUser ends a user's sessions but for some.
func (w *world) destroyUser(*rapid.T) {
	user := w.user()
	var except []session.ID
	if rapid.Bool().Draw(w.T, "but for one") {
		except = []session.ID{w.slot().id}
	}
	n, err := as[session.UserIndex](w).DestroyUser(w.ctx, user, except...)
	w.must(err)
	if user == "" {
		w.equal("DestroyUser of nobody", n, 0)
		return
	}
	w.equal("DestroyUser", n, w.model.endWhere(session.Revoked, func(id session.ID, v version) bool {
		return v.meta.User == user && !slices.Contains(except, id)
	}))
}

// clear ends all sessions, which is not to be all that ever happens.
func (w *world) clear(*rapid.T) {
	w.seldom(4)
	n, err := as[session.Clearer](w).Clear(w.ctx)
	w.must(err)
	w.equal("Clear", n, w.model.endWhere(session.Cleared, func(session.ID, version) bool { return true }))
}

// reap deletes what has expired.
func (w *world) reap(*rapid.T) {
	n, err := as[session.Reapable](w).Reap(w.ctx)
	w.must(err)
	now := time.Now()
	w.model.drained()
	w.equal("Reap", n, w.model.count(func(v version) bool { return v.expired(now) }))
	w.model.reaped(now)
}

// reaped ends what has expired.
func (s *stored) reaped(now time.Time) {
	for id := range s.sessions {
		if s.last(id).expired(now) {
			s.end(id, session.Expired)
		}
	}
}

// list compares all listings.
func (w *world) list(*rapid.T) {
	now := time.Now()
	lister := as[session.Lister](w)
	n, err := lister.Length(w.ctx)
	w.must(err)
	w.model.drained()
	w.equal("Length", n, w.model.count(func(v version) bool { return v.alive(now) }))
	got := map[session.ID]session.Info{}
	for info, err := range lister.All(w.ctx) {
		w.must(err)
		if _, twice := got[info.ID]; twice {
			w.Fatalf("All lists %s twice", w.name(info.ID))
		}
		got[info.ID] = info
	}
	w.equal("sessions that All lists", len(got), n)
	for id, info := range got {
		w.checkInfo(id, info)
	}
	for _, user := range users {
		infos, err := as[session.UserIndex](w).ByUser(w.ctx, user)
		w.must(err)
		w.equal("ByUser "+user, len(infos), w.model.count(func(v version) bool {
			return user != "" && v.alive(now) && v.meta.User == user
		}))
		for _, info := range infos {
			w.checkInfo(info.ID, info)
		}
	}
}

// checkInfo compares what a listing tells of a session.
func (w *world) checkInfo(id session.ID, info session.Info) {
	w.Helper()
	want := w.model.last(id)
	counts := map[string]int{}
	for name, all := range want.comps {
		counts[name] = len(all)
	}
	if !want.alive(time.Now()) || !sameMeta(info.Meta, want.meta) || !maps.Equal(info.Components, counts) {
		w.Fatalf("listed as %+v, want %v", info, want)
	}
}

func (w *world) equal(what string, got, want int) {
	w.Helper()
	if got != want {
		w.Fatalf("%s: %d, want %d", what, got, want)
	}
}
