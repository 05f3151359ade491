package session

import "time"

// maxClockJump is how far the wall clock may get ahead of the monotonic clock between two runs
// of a reaper. Time servers that slew a clock change it far less.
const maxClockJump = time.Minute

// clockWatch notices when the wall clock was set forward, so that sessions look older than
// they are. The monotonic clock is only ever driven by time that passes (while the machine is
// awake).
type clockWatch struct {
	start time.Time     // with a monotonic reading
	wall  time.Time     // at the last look
	mono  time.Duration // since start, at the last look
}

func newClockWatch(now time.Time) clockWatch {
	return clockWatch{start: now, wall: now.Round(0)}
}

// setForward takes a look, and says whether the wall clock was set forward since the one before.
func (c *clockWatch) setForward(wall time.Time, mono time.Duration) bool {
	outran := wall.Sub(c.wall) - (mono - c.mono)
	c.wall, c.mono = wall, mono
	return outran > maxClockJump
}

// maxWait is how long a reaper waits at most before it looks at the clock again, which may have
// been set.
const maxWait = time.Minute

// alarm tells when runs come due.
type alarm struct {
	due  interface{ Next(time.Time) time.Time }
	next time.Time // zero before the first look
}

// look says whether a run has come due, and how long to wait until the next look. now has a
// monotonic reading, which intervals are measured by. When the clock was set back, what is due
// earlier by its new time counts.
func (a *alarm) look(now time.Time) (isDue bool, wait time.Duration) {
	isDue = !a.next.IsZero() && !now.Before(a.next)
	if next := a.due.Next(now); isDue || a.next.IsZero() || next.Before(a.next) {
		a.next = next
	}
	if a.next.IsZero() { // not in the next five years
		return isDue, maxWait
	}
	return isDue, min(a.next.Sub(now), maxWait)
}
