package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	bolt "go.etcd.io/bbolt"
)

// transact applies the tasks in one transaction, and returns them with those that joined them. When
// there is no error, what is in their outcomes is on disk; an error is the transaction's, and is a
// *commitError when it is not certain that nothing was stored.
//
// bbolt commits by writing all changed pages beside the old ones, syncing, writing the meta page
// that leads to them, and syncing again. A crash before the meta page is whole leaves the state
// before the transaction, later it leaves the one after.
func (c *committer) transact(tasks []*task, open bool) ([]*task, error) {
	start := time.Now()
	c.prepare(tasks)
	c.owed, c.under, c.open = c.store.mem.owedEnds(), tasks, open
	err := boltfile.Guard(c.write)
	tasks, c.under = c.under, nil
	var panicked *boltfile.PanicError
	if errors.As(err, &panicked) {
		err = &commitError{err}
	}
	took := time.Since(start)
	for _, t := range tasks {
		t.took = took
		if err == nil {
			c.settle(t)
		}
		c.letGo(t)
	}
	return tasks, err
}

// commitError is a failure after which the open file may not be what is on the disk.
type commitError struct{ err error }

func (e *commitError) Error() string { return e.err.Error() }
func (e *commitError) Unwrap() error { return e.err }

// write runs the transaction itself.
func (c *committer) write() error {
	b := c.store
	tx, err := b.file.Begin(true) // only the committer replaces the file
	if err != nil {
		return &commitError{fmt.Errorf("begin transaction: %w", err)}
	}
	defer b.file.End(tx) // does nothing after the commit
	a, err := newApplier(tx, b.opts.MaxComponentSize)
	if err != nil {
		return err
	}
	b.measureTx(tx)
	a.seen, a.crowd, a.count, a.keys = b.mem.touched, b.crowded(), b.count.Load(), b.opts.keys
	a.refused, a.owed, a.room = b.mem.isRefused, c.owed, b.roomOf(tx)
	for done := 0; done < len(c.under); c.join() {
		for ; done < len(c.under); done++ {
			if err := a.apply(c.under[done]); err != nil {
				return err
			}
		}
	}
	if !a.wrote {
		return nil
	}
	a.fillPages()
	due := b.nextDue.Load()
	if a.refiled {
		due = firstDeadline(a.expiry)
	}
	if err := b.commitTx(tx); err != nil {
		if boltfile.IsUncertain(err) {
			err = &commitError{err}
		}
		return err
	}
	c.failing = 0
	b.count.Store(a.count)
	b.nextDue.Store(due)
	b.stats.committed(len(c.under))
	return nil
}

// join adds tasks to the transaction under way that were queued since it began. After a commit all
// whom it answered run while the next transaction is filled: what they store would wait for the one
// after that, and every transaction would have half of those who save all the time. Only tasks of one
// session join, and only while no other ends are owed than when the transaction began.
func (c *committer) join() {
	if !c.open {
		return
	}
	from := len(c.under)
	c.under = c.queue.join(c.under, func(t *task) bool {
		return t.single() && slices.Equal(c.owed, c.store.mem.owedEnds())
	})
	c.prepare(c.under[from:])
}

// commitTx commits a transaction.
func (b *BoltStore) commitTx(tx *bolt.Tx) error {
	if b.opts.commit != nil {
		return b.opts.commit(tx)
	}
	return b.file.Commit(tx)
}

// prepare gives the tasks what memory has of their sessions. Saves of those sessions that are
// accepted from now on wait in the queue, behind the tasks.
func (c *committer) prepare(tasks []*task) {
	for _, t := range tasks {
		t.outcome, t.applied, t.roomless = outcome{}, false, false
		switch t.kind {
		case opSave, opDestroy:
			c.attach(t)
		case opRenew:
			c.attach(t)
			t.items = []item{{id: t.to}} // which may be taken by a session that is pending
			c.attachItems(t)
		case opReap:
			c.attachItems(t)
		case opClear, opDestroyUser:
			c.leftovers(t)
		}
	}
}

// attach gives a task what memory has of its one session. A flush has nobody wait behind it:
// saves go on in memory.
func (c *committer) attach(t *task) {
	t.touch, t.entry = c.store.mem.attach(t.id, !t.promised)
	switch {
	case !t.promised:
		t.pending, t.held = t.entry.revision(), true
	case t.entry != nil:
		t.rev, t.at = *t.entry.rev, t.entry.rev.accepted // what was accepted is not judged anew
	default:
		t.rev = revision{}
	}
}

// attachItems gives a task what memory has of each of its items.
func (c *committer) attachItems(t *task) {
	for i := range t.items {
		it := &t.items[i]
		it.touch, it.entry = c.store.mem.attach(it.id, true)
		it.pending, it.held = it.entry.revision(), true
	}
}

// letGo lets the saves of a task's sessions be accepted again.
func (c *committer) letGo(t *task) {
	if t.held {
		c.store.mem.release(t.id)
	}
	t.held = false
	for i := range t.items {
		if t.items[i].held {
			c.store.mem.release(t.items[i].id)
		}
		t.items[i].held = false
	}
}

// settle takes out of memory what a committed task brought into the file.
func (c *committer) settle(t *task) {
	m := c.store.mem
	if t.roomless {
		return // what is in memory of it stays there
	}
	if t.entry != nil {
		m.committed(t.id, t.entry)
	}
	for _, it := range t.items {
		if it.entry != nil {
			m.committed(it.id, it.entry)
		}
	}
	switch t.kind {
	case opSave:
		c.settleSave(t)
	case opDestroy:
		m.forget(t.id)
	case opRenew:
		c.settleRenew(t)
	case opClear:
		c.settleClear(t)
	case opTouch, opReap:
		for _, it := range t.items {
			m.stored(it.id, it.touch)
		}
	}
	if t.kind == opDestroyUser || t.kind == opReap {
		for _, e := range t.ended {
			m.forget(e.id)
		}
	}
	if t.owed != nil {
		c.settleOwed(t)
	}
	c.store.stats.settled(t)
}

// settleRenew has touches follow their session. Those from before it was there, under either ID, were
// of nothing.
func (c *committer) settleRenew(t *task) {
	m := c.store.mem
	if t.err != nil {
		return
	}
	for _, it := range t.items { // the ID to
		m.stored(it.id, it.touch)
	}
	if len(t.ended) > 0 { // else it was never stored under its old ID
		m.stored(t.id, t.touch) // what came before is judged by the max age of then, not by a new one
		m.moved(t.id, t.to)
	}
	m.forget(t.id)
	c.owed.spare(t.to, &t.rev, true)
}

// settleSave notes what a save left behind.
func (c *committer) settleSave(t *task) {
	m := c.store.mem
	switch {
	case t.err == nil:
		m.stored(t.id, t.touch)
		if !t.promised { // else it was spared, or not, when it was accepted
			c.owed.spare(t.id, &t.rev, false)
		}
	case t.promised && t.entry != nil: // the session ended or expired before this could be stored
		m.abandon(t.id)
	}
}

// leftovers gives a task that ends many sessions what was accepted and is not in the file. Of a
// user's sessions, the pending saves say whose they are, not the file.
func (c *committer) leftovers(t *task) {
	m := c.store.mem
	t.refusals = m.refusals(int(m.refused.Load()))
	t.leftover = make(map[ID]*pendingEntry)
	t.items = nil
	for _, id := range m.pendingIDs() {
		e, _, _ := m.pendingOf(id)
		if e == nil {
			continue
		}
		t.leftover[id] = e
		if t.kind == opDestroyUser && e.meta.User == t.user && !slices.Contains(t.except, id) && !t.owed.spares(id) {
			t.items = append(t.items, item{id: id, pending: e.rev})
		}
	}
}

// settleClear takes out of memory what Clear ended, and counts what only memory had.
func (c *committer) settleClear(t *task) {
	m := c.store.mem
	for id, e := range t.leftover {
		if t.owed.spares(id) || !m.purge(id, e) {
			continue
		}
		t.count++
		if t.listed {
			t.ended = append(t.ended, ending{id, t.reason})
		}
	}
	m.purgeOld(t.owed)
	for _, e := range t.refusals {
		if !t.owed.spares(e.id) {
			m.forget(e.id)
		}
	}
}
