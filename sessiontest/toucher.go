package sessiontest

import (
	"time"

	"github.com/boltsession/session"
)

func toucherChecks() []check {
	return []check{
		{"Forward", checkTouchForward},
		{"Back", checkTouchBack},
		{"Missing", checkTouchMissing},
		{"Lifetime", checkTouchLifetime},
		{"AmongSaves", checkTouchAmongSaves},
		{"Shortened", checkTouchShortened},
	}
}

// touch touches a session.
func (k *kit) touch(id session.ID, at time.Time) {
	k.Helper()
	if err := must[session.Toucher](k).Touch(k.ctx, id, at); err != nil {
		k.Errorf("Touch: %v", err)
	}
}

// lastAccess checks a session's last access.
func (k *kit) lastAccess(id session.ID, want time.Time, why string) {
	k.Helper()
	if got := k.get(id).LastAccess(); !got.Equal(want) {
		k.Errorf("the last access is %v, want %v: %s", got, want, why)
	}
}

func checkTouchForward(k *kit) {
	s, other := k.stored(ofUser("anna")), k.stored()
	at, before := s.LastAccess().Add(20*time.Minute+1), other.LastAccess()
	k.touch(s.ID(), at)
	k.lastAccess(s.ID(), at, "Touch moved it there, and every Get sees it at once")
	k.lastAccess(other.ID(), before, "another session was touched")
	found := k.get(s.ID())
	has(k, found, "kept", "kept", "a touch leaves the values")
	if found.User() != "anna" || found.MaxAge() != s.MaxAge() {
		k.Error("a touch changed user or max age")
	}
}

func checkTouchBack(k *kit) {
	s := k.stored()
	at := s.LastAccess().Add(20 * time.Minute)
	k.touch(s.ID(), at)
	for _, back := range []time.Duration{time.Nanosecond, time.Minute, time.Hour, 1000 * time.Hour} {
		k.touch(s.ID(), at.Add(-back))
	}
	k.lastAccess(s.ID(), at, "a touch only moves it forward")
	s = k.stored()
	k.touch(s.ID(), s.LastAccess().Add(-1000*time.Hour))
	k.touch(s.ID(), at)
	k.lastAccess(s.ID(), at, "a touch that moved nothing does not keep the next one from doing so")
}

// checkTouchMissing: a touch says nothing of a session that is not there, and makes none.
func checkTouchMissing(k *kit) {
	const why = "a touch makes no session and brings none back"
	destroyed, old := k.stored(), k.stored(expired)
	if err := k.store.Destroy(k.ctx, destroyed.ID()); err != nil {
		k.Fatalf("Destroy: %v", err)
	}
	for _, id := range []session.ID{newID(), destroyed.ID(), old.ID()} {
		k.touch(id, time.Now())
		k.gone(id, why)
	}
	again := session.NewSession(k.store, destroyed.ID(), newMeta())
	k.save(again)
	k.lastAccess(again.ID(), again.LastAccess(), "a touch of a session that had ended does not stick to its ID")
	if offers[session.Lister](k.store) {
		k.length(1, why)
	}
}

// checkTouchLifetime: no touch moves the lifetime's end.
func checkTouchLifetime(k *kit) {
	s := k.stored()
	end := metaOf(k.get(s.ID())).End
	k.touch(s.ID(), end.Add(-time.Minute))
	found := metaOf(k.get(s.ID()))
	if !found.End.Equal(end) || !found.ExpiresAt().Equal(end) {
		k.Errorf("the lifetime's end is %v and the session expires at %v after a touch, want %v for both: nothing moves it", found.End, found.ExpiresAt(), end)
	}
}

// checkTouchAmongSaves: touches and saves of one session lose nothing of each other.
func checkTouchAmongSaves(k *kit) {
	s := k.stored()
	stale := k.get(s.ID())
	at := s.LastAccess().Add(30 * time.Minute)
	k.touch(s.ID(), at)
	set(k, stale, "key", 1)
	if err := stale.SetMaxAge(40 * time.Hour); err != nil {
		k.Fatal(err)
	}
	k.save(stale)
	k.lastAccess(s.ID(), at, "a copy that was read before the touch does not save it back: of the stored one and that in Changes.Meta the later one counts")
	k.touch(s.ID(), at.Add(1))
	k.lastAccess(s.ID(), at.Add(1), "a touch after a save moves it on")
	found := k.get(s.ID())
	has(k, found, "key", 1, "a touch leaves what was saved")
	if found.MaxAge() != 40*time.Hour {
		k.Errorf("the max age is %v, want 40h: a touch leaves what was saved", found.MaxAge())
	}
}

// checkTouchShortened: what counts of a touch is whether the session was alive then, not whether it
// would have been with the max age that it got later.
func checkTouchShortened(k *kit) {
	s := k.stored(idleFor(time.Hour))
	stale, at := k.get(s.ID()), time.Now().Round(0).UTC()
	k.touch(s.ID(), at)
	if err := stale.SetMaxAge(30 * time.Minute); err != nil {
		k.Fatal(err)
	}
	k.save(stale)
	k.lastAccess(s.ID(), at, "it was touched just now, when it had been idle for less than its max age")
	s = k.stored(idleFor(time.Hour))
	if offers[session.Lister](k.store) {
		k.length(2, "both are alive") // which has a store that collects saves write them
	}
	if err := s.SetMaxAge(30 * time.Minute); err != nil {
		k.Fatal(err)
	}
	k.save(s)
	k.touch(s.ID(), at)
	k.gone(s.ID(), "it had been idle for longer than its new max age when it was touched")
	if offers[session.Lister](k.store) {
		k.length(1, "a touch brought back a session that had expired by its new max age")
	}
	k.gone(s.ID(), "a touch brought it back that came when it had expired by its new max age")
}
