package session

import (
	"sync"
	"time"
)

const (
	retiredFor = time.Minute // how long requests with an old token may still come in
	retiredMax = 1 << 16     // a bound on memory; the oldest are forgotten first
)

// retiredIDs remembers the IDs that were renewed or regenerated away, so that a late request
// with the old token is known for one, and not for a visitor who needs a new session.
type retiredIDs struct {
	mu    sync.Mutex
	until map[ID]time.Time
	order []ID // oldest first; IDs withdrawn or marked again stay in it until they are due
}

// mark remembers id from now on.
func (r *retiredIDs) mark(id ID, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = make(map[ID]time.Time)
	}
	r.forgetLocked(now)
	r.until[id] = now.Add(retiredFor)
	r.order = append(r.order, id)
}

// withdraw forgets id: its session was not moved after all.
func (r *retiredIDs) withdraw(id ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.until, id)
}

// has says whether id is retired.
func (r *retiredIDs) has(id ID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, ok := r.until[id]
	return ok && now.Before(until)
}

// forgetLocked drops what is due, and the oldest when there are too many.
func (r *retiredIDs) forgetLocked(now time.Time) {
	drop := 0
	for ; drop < len(r.order); drop++ {
		id := r.order[drop]
		until, ok := r.until[id]
		if ok && now.Before(until) && len(r.order)-drop < retiredMax {
			break
		}
		delete(r.until, id)
	}
	r.order = r.order[drop:]
}
