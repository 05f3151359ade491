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
