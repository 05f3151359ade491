package admin

import (
	"sync"
	"time"
)

// pace is how fast clients are let in that ask for nothing worth an answer: a burst of them at
// once, then one each interval. Those that take their answer are not counted, so that a tool that
// asks a thousand things in a row, each on a connection of its own, does not wait. Connecting
// costs a client less than it costs the server: without this, whoever connects and hangs up in a
// loop takes the processors from the saves.
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

// forgive takes a client out of the count.
func (p *pace) forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = p.next.Add(-p.each)
}
