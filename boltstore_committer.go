package session

import "time"

// retryRefused is how long an end that could not be stored waits to be tried again, when no
// other work brings it along before.
const retryRefused = 5 * time.Second

// committer is the one goroutine that writes to the file. No user code and nothing that blocks
// runs on it.
type committer struct {
	store *BoltStore
	queue *taskQueue

	flush   job      // of pending saves
	touch   job      // of touches
	waiting []*task  // barriers that want a flush to begin after them
	covered []*task  // barriers whose flush is under way
	failed  error    // why the file has to be opened anew
	failing int      // how often it failed since the last commit that did not
	moves   []op     // renewals of which it is not known whether they happened
	owed    owedEnds // when the transaction under way began
	group   []*task  // reused
	under   []*task  // in the transaction under way
	open    bool     // others may join them
}

// job is a long piece of work done in groups, so that others are served in between.
type job struct {
	ids    []ID // still to be done
	active bool
	err    error // the first failure
}

// next takes the next IDs, up to maxGroup.
func (j *job) next() []ID {
	n := min(len(j.ids), maxGroup)
	ids := j.ids[:n]
	j.ids = j.ids[n:]
	return ids
}

// run works until the queue is closed and everything accepted is stored, as far as it can be.
func (c *committer) run() {
	defer close(c.store.stopped)
	for {
		if c.failed != nil {
			if !c.reopen() {
				c.abandon()
				return
			}
			if c.queue.closed() && c.queue.length.Load() == 0 {
				break // what is left is tried a few times more, and not for ever
			}
		}
		c.begin()
		if !c.busy() {
			if c.queue.closed() && c.queue.length.Load() == 0 {
				break
			}
			c.queue.wait(c.due())
		}
		c.step()
	}
	c.last()
}

// lastTries is how often Close opens a file again that fails while it stores what is left.
const lastTries = 2

// last stores what is in memory when nothing more can come. A file that fails meanwhile is opened
// again, and never written to without.
func (c *committer) last() {
	for try := 0; ; try++ {
		c.rest()
		if c.failed == nil || try == lastTries || !c.reopen() {
			break
		}
	}
	if c.failed != nil && c.store.file != nil { // only the committer replaces the file
		c.store.letGo()
	}
	c.abandon()
}

// rest stores accepted saves, touches and refused ends, as far as it can.
func (c *committer) rest() {
	m := c.store.mem
	c.flush = job{ids: m.pendingIDs(), active: true}
	for c.flush.active && c.failed == nil {
		c.step()
	}
	if c.failed != nil {
		return
	}
	c.touch = job{ids: m.touchedIDs(), active: true}
	for c.touch.active && c.failed == nil {
		c.step()
	}
	for n := m.refused.Load(); n > 0 && c.failed == nil; {
		c.step()
		left := m.refused.Load()
		if left >= n {
			return // no more of them can be stored
		}
		n = left
	}
}

// abandon says what is lost because the store closes without having been able to store it.
func (c *committer) abandon() {
	m := c.store.mem
	if n := m.pending.Load(); n > 0 {
		c.store.log.Error("session: store closed with accepted saves that could not be stored", "sessions", n)
	}
	if n := m.refused.Load(); n > 0 {
		c.store.log.Error("session: store closed with ended sessions that are still in the file", "sessions", n)
	}
}

// busy says whether there is work beside the queue's.
func (c *committer) busy() bool {
	return c.flush.active || c.touch.active || len(c.waiting) > 0
}

// due returns when there will be work, 0 when nothing is in sight.
func (c *committer) due() (at int64) {
	for _, t := range []int64{c.queue.flushAt.Load(), c.queue.touchAt.Load(), c.queue.retryAt.Load()} {
		if t != 0 && (at == 0 || t < at) {
			at = t
		}
	}
	return at
}

// begin starts the jobs that are due.
func (c *committer) begin() {
	m, now := c.store.mem, c.queue.clock(time.Now())
	isDue := func(at int64) bool { return at != 0 && at <= now }
	if !c.flush.active && (len(c.waiting) > 0 || isDue(c.queue.flushAt.Load())) {
		c.queue.flushAt.Store(0)
		c.flush = job{ids: m.pendingIDs(), active: true}
		c.covered, c.waiting = c.waiting, nil
	}
	if !c.touch.active && isDue(c.queue.touchAt.Load()) {
		c.queue.touchAt.Store(0)
		c.touch = job{ids: m.touchedIDs(), active: true}
	}
}

// step commits one group: ends that are owed, a part of each job, and what is queued.
func (c *committer) step() {
	all := c.queue.take(c.background())
	ready := all[:0]
	var parked []*task
	for _, t := range all {
		switch {
		case t.kind == opPark:
			parked = append(parked, t)
		case t.barrier() && (c.flush.active || c.store.mem.pending.Load() > 0):
			c.waiting = append(c.waiting, t)
		default:
			ready = append(ready, t)
		}
	}
	c.commitOpen(ready)
	for _, t := range parked {
		c.park(t)
	}
	q, m, opts := c.queue, c.store.mem, &c.store.opts
	if c.touch.finish() && m.touches.Load() > 0 {
		q.soonest(&q.touchAt, time.Now().Add(opts.TouchInterval))
	}
	if c.flush.finish() {
		left := m.pending.Load() // none: no other flush would come to take the refusal back
		c.store.flushFull.Store(c.flush.err != nil && left > 0)
		if left > 0 {
			q.soonest(&q.flushAt, time.Now().Add(c.flush.pause(opts.SyncEvery)))
		}
		covered := c.covered
		c.covered = nil
		c.commit(covered)
	}
	if !c.flush.active && m.pending.Load() == 0 {
		c.store.flushFull.Store(false) // what found no room has ended meanwhile
	}
	clear(all[:cap(all)])
	c.group = all[:0]
}

// finish ends the job if nothing is left to do, and says whether it did.
func (j *job) finish() bool {
	if !j.active || len(j.ids) > 0 {
		return false
	}
	j.active = false
	return true
}

// pause returns how long the job waits for its next run.
func (j *job) pause(interval time.Duration) time.Duration {
	if j.err != nil {
		return max(interval, time.Second)
	}
	return interval
}

// retryLater sets when ends that could not be stored are tried again, unless that is set. It wakes
// nobody.
func (c *committer) retryLater(now time.Time) {
	if c.store.mem.refused.Load() > 0 {
		c.queue.retryAt.CompareAndSwap(0, c.queue.clock(now.Add(retryRefused)))
	}
}

// background returns the tasks that nobody waits for.
func (c *committer) background() []*task {
	m, now := c.store.mem, time.Now()
	group := c.group[:0]
	c.queue.retryAt.Store(0)
	for _, e := range m.refusals(maxGroup) {
		group = append(group, &task{op: op{kind: opDestroy, id: e.id, reason: e.reason, at: now}})
	}
	group = append(group, c.retries(now)...)
	c.retryLater(now)
	for _, id := range c.flush.next() {
		if c.store.flushFull.Load() && c.outlived(id, now) {
			continue
		}
		group = append(group, &task{op: op{kind: opSave, id: id, promised: true, at: now}})
	}
	var items []item
	for _, id := range c.touch.next() {
		items = append(items, item{id: id, touch: m.touched(id)})
	}
	if len(items) > 0 {
		group = append(group, &task{op: op{kind: opTouch, items: items, at: now}})
	}
	return group
}
