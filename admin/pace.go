package admin

import (
	"sync"
	"time"
)

// pace is how fast clients are let in that ask for nothing worth an answer: a burst of them at
// once, then one each interval. Connecting costs a client less than it costs the server: without
// this, whoever connects and hangs up in a loop takes the processors from the saves. A client that
// takes its answer is not counted, so that a tool that asks a thousand things in a row, each on a
// connection of its own, does not wait; one that asks and leaves is counted for what the answer may
// have cost, which for a list is much.
type pace struct {
	burst int
	each  time.Duration

	mu   sync.Mutex
	next time.Time // all that were let in are paid for by then
}

// wait lets a client in, and returns 0, or says when to ask again.
func (p *pace) wait(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if early := now.Add(-time.Duration(p.burst-1) * p.each); p.next.Before(early) {
		p.next = early // what was not used is not saved up
	}
	if left := p.next.Sub(now); left > 0 {
		return left
	}
	p.next = p.next.Add(p.each)
	return 0
}

// charge counts a client that was let in for more, or less if d is negative.
func (p *pace) charge(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = p.next.Add(d)
}
