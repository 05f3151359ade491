package sessiontest

import (
	"time"

	"github.com/boltsession/session"
)

func expiryChecks() []check {
	return []check{
		{"Idle", checkIdle},
		{"Lifetime", checkLifetime},
		{"MaxAgeOfMeta", checkMaxAgeOfMeta},
		{"MaxAgeLonger", checkMaxAgeLonger},
		{"Acquire", checkAcquireExpired},
		{"DestroyExpired", checkDestroyExpired},
		{"Touched", checkTouched},
		{"ForwardOnly", checkForwardOnly},
	}
}

const expiredWhy = "judge by Meta.Expired at every read, whether or not anything reaps"

func checkIdle(k *kit) {
	s, live := k.stored(expired), k.stored()
	k.gone(s.ID(), "it is past its idle timeout: "+expiredWhy)
	k.get(live.ID())
	_, err := k.store.Get(k.ctx, s.ID(), "cart")
	k.is("Get with a component of an expired session", err, session.ErrNotFound, expiredWhy)
}

// checkLifetime: the lifetime's end comes however busy the session is.
func checkLifetime(k *kit) {
	now := time.Now().Round(0).UTC()
	s := k.stored(func(m *session.Meta) { m.LastAccess, m.End = now, now.Add(-time.Second) })
	k.gone(s.ID(), "it is past the end of its lifetime, though it was accessed just now: "+expiredWhy)
	busy := k.stored(func(m *session.Meta) { m.End = now.Add(time.Hour) })
	if at := k.get(busy.ID()).ExpiresAt(); !at.Equal(now.Add(time.Hour)) {
		k.Errorf("ExpiresAt is %v, want the lifetime's end, %v: it comes before the idle timeout", at, now.Add(time.Hour))
	}
}

// checkMaxAgeOfMeta: each session has its own max age.
func checkMaxAgeOfMeta(k *kit) {
	patient := k.stored(idleFor(10*time.Hour), func(m *session.Meta) { m.MaxAge = 11 * time.Hour })
	hasty := k.stored(idleFor(2*time.Minute), func(m *session.Meta) { m.MaxAge = time.Minute })
	k.get(patient.ID())
	k.gone(hasty.ID(), "its max age is a minute, it was idle for two: a session expires by the max age in its own Meta")
}

// checkMaxAgeLonger: a max age that was made longer in time counts.
func checkMaxAgeLonger(k *kit) {
	s := k.stored(idleFor(10*time.Hour), func(m *session.Meta) { m.MaxAge = 11 * time.Hour })
	if err := s.SetMaxAge(20 * time.Hour); err != nil {
		k.Fatal(err)
	}
	k.save(s)
	found := k.get(s.ID())
	if found.MaxAge() != 20*time.Hour {
		k.Errorf("the max age is %v after SetMaxAge and Save, want 20h: Save stores Changes.Meta", found.MaxAge())
	}
	if !found.LastAccess().Equal(s.LastAccess()) {
		k.Errorf("the last access is %v, want %v: it comes from Changes.Meta, not from the clock of the store", found.LastAccess(), s.LastAccess())
	}
}

func checkAcquireExpired(k *kit) {
	s := k.stored(expired)
	proxy := session.NewProxyStore(func() (session.Store, error) { return k.store, nil }, nil)
	_, _, err := proxy.Acquire(k.ctx, s.ID())
	k.is("Acquire of an expired session", err, session.ErrNotFound, expiredWhy)
}

func checkDestroyExpired(k *kit) {
	s := k.stored(expired)
	if err := k.store.Destroy(k.ctx, s.ID()); err != nil {
		k.Errorf("Destroy of an expired session gave %v, want nil", err)
	}
	k.gone(s.ID(), "it is expired and destroyed")
}

// checkTouched: Session.Touch and Save keep a session alive on any store.
func checkTouched(k *kit) {
	id := k.stored().ID()
	s := k.get(id)
	before := s.LastAccess()
	s.Touch()
	k.save(s)
	found := k.get(id)
	if !found.LastAccess().After(before) {
		k.Errorf("the last access is %v after Touch and Save, want now: Save stores the LastAccess of Changes.Meta", found.LastAccess())
	}
	has(k, found, "kept", "kept", "a touch leaves the values")
}

// checkForwardOnly: a stale copy that saves other metadata moves nothing back, nor the end.
func checkForwardOnly(k *kit) {
	id := k.stored().ID()
	stale, s := k.get(id), k.get(id)
	s.Touch()
	k.save(s)
	touched := k.get(id).LastAccess()
	if err := stale.SetMaxAge(50 * time.Hour); err != nil {
		k.Fatal(err)
	}
	k.save(stale)
	found := k.get(id)
	if found.LastAccess().Before(touched) {
		k.Errorf("the last access went back from %v to %v: of the stored one and that in Changes.Meta the later one counts", touched, found.LastAccess())
	}
	if end := metaOf(stale).End; !metaOf(found).End.Equal(end) {
		k.Errorf("the lifetime's end moved to %v, want %v: nothing moves it", metaOf(found).End, end)
	}
}
