package sessiontest

import (
	"time"

	"github.com/boltsession/session"
)

// clockChecks are those that let time pass, in bubbles only: nobody waits for them.
func clockChecks() []check {
	return []check{
		{"IdleExact", checkIdleExact},
		{"LifetimeExact", checkLifetimeExact},
		{"TouchedInTime", checkTouchedInTime},
	}
}

// begun stores a session that begins now.
func (k *kit) begun(maxAge, lifetime time.Duration) session.ID {
	k.Helper()
	return k.stored(idleFor(0), func(m *session.Meta) { m.MaxAge, m.End = maxAge, m.LastAccess.Add(lifetime) }).ID()
}

func checkIdleExact(k *kit) {
	id := k.begun(time.Hour, 24*time.Hour)
	time.Sleep(time.Hour - 1)
	k.get(id)
	time.Sleep(time.Nanosecond)
	k.gone(id, "it is idle for exactly its max age: "+expiredWhy)
}

func checkLifetimeExact(k *kit) {
	id := k.begun(time.Hour, 3*time.Hour)
	for range 5 {
		time.Sleep(30 * time.Minute)
		s := k.get(id)
		s.Touch()
		k.save(s)
	}
	time.Sleep(30*time.Minute - 1)
	k.get(id)
	time.Sleep(time.Nanosecond)
	k.gone(id, "it is at the end of its lifetime, though it was touched every half hour: "+expiredWhy)
}

// checkTouchedInTime: a session that is touched in time outlives its first deadline, reaped or not.
func checkTouchedInTime(k *kit) {
	id := k.begun(time.Hour, 24*time.Hour)
	time.Sleep(50 * time.Minute)
	s := k.get(id)
	s.Touch()
	k.save(s)
	time.Sleep(50 * time.Minute)
	if offers[session.Reapable](k.store) {
		k.reap(0, "the session was touched 50 minutes ago, its max age is an hour")
	}
	has(k, k.get(id), "kept", "kept", "the session was touched 50 minutes ago, its max age is an hour")
	time.Sleep(10 * time.Minute)
	k.gone(id, "it was touched an hour ago, its max age is an hour")
	if offers[session.Reapable](k.store) {
		k.reap(1, "the session was touched an hour ago, its max age is an hour")
	}
}
