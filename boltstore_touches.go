package session

import (
	"time"
)

// touchMark sums up the touches of a session that are in memory only. Its times are nanoseconds
// since 1970. It keeps enough to tell, when the session's metadata is at hand, whether the
// session was alive at each of them: a touch that came too late must not revive it.
type touchMark struct {
	first int64         // when the first came
	last  int64         // where they moved the last access, 0 for none
	gap   time.Duration // how long the last access was past, at most, when the next one came
}

// add returns the mark with one more touch, which came at now and moves the last access to at.
func (t touchMark) add(now, at int64) touchMark {
	if t.last == 0 {
		return touchMark{first: now, last: at}
	}
	if at > t.last {
		t.gap = max(t.gap, time.Duration(now-t.last))
		t.last = at
	}
	return t
}

// join returns one mark for the touches of both.
func (t touchMark) join(u touchMark) touchMark {
	switch {
	case t.last == 0:
		return u
	case u.last == 0:
		return t
	case u.first < t.first:
		t, u = u, t
	}
	if u.first > t.last {
		t.gap = max(t.gap, time.Duration(u.first-t.last))
	}
	t.gap, t.last = max(t.gap, u.gap), max(t.last, u.last)
	return t
}

// over returns meta with the last access moved, unless the session had expired before one of
// the touches.
func (t touchMark) over(meta Meta) Meta {
	if t.last == 0 || t.last <= nanos(meta.LastAccess) {
		return meta
	}
	if t.first >= nanos(meta.ExpiresAt()) || t.gap >= meta.MaxAge {
		return meta
	}
	meta.LastAccess = time.Unix(0, t.last).UTC()
	return meta
}
