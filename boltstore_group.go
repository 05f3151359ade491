package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/boltsession/session/internal/boltfile"
)

// fullInRow is how many ops in a row may find no room before the rest of their group is turned
// down without a try: each costs bbolt a scan of the file.
const fullInRow = 4

// commit commits a group and answers those who wait for it. When the transaction fails cleanly,
// the ends are tried first and then each op alone: one bad op, or one too large for the room that
// is left, harms none of the others. The tasks are their waiters' again when it returns.
func (c *committer) commit(group []*task) error { return c.commitAs(group, false) }

// commitOpen is commit for a group that others may join.
func (c *committer) commitOpen(group []*task) { c.commitAs(group, true) }

func (c *committer) commitAs(group []*task, open bool) (err error) {
	if len(group) == 0 {
		return nil
	}
	if c.failed != nil {
		return c.deny(group, ErrFailed)
	}
	group, err = c.transact(group, open)
	var uncertain *commitError
	switch {
	case err == nil:
		done, rest := roomless(group)
		c.answer(done)
		if len(group) == 1 && len(rest) == 1 {
			return c.deny(rest, errNoRoom)
		} else if len(rest) > 0 {
			c.split(rest, errNoRoom)
		}
	case errors.As(err, &uncertain):
		c.failed = err
		c.failing++
		c.queue.stop(ErrFailed)
		return c.deny(group, fmt.Errorf("%w: %w", ErrUncertain, err))
	case len(group) == 1:
		return c.deny(group, err)
	default:
		c.split(group, err)
	}
	return nil
}

// split commits the ops of a group that failed, ends first.
func (c *committer) split(group []*task, err error) {
	var ends, others []*task
	for _, t := range group {
		if t.ends() {
			ends = append(ends, t)
		} else {
			others = append(others, t)
		}
	}
	if len(ends) > 0 && len(others) > 0 {
		c.commit(ends)
	} else {
		others = group
	}
	full := 0
	for i, t := range others {
		if full == fullInRow {
			c.deny(others[i:], err)
			return
		}
		if full++; !isFull(c.commit([]*task{t})) {
			full = 0
		}
	}
}

// isFull says whether err means that there is no room.
func isFull(err error) bool { return errors.Is(err, ErrFull) || boltfile.IsFull(err) }

// deny answers a group that was not stored, or perhaps was. Ends are refused all the same, and
// tried again.
func (c *committer) deny(group []*task, err error) error {
	told := err
	switch {
	case errors.Is(err, ErrUncertain), errors.Is(err, ErrFailed):
	case errors.Is(err, ErrFull):
	case boltfile.IsFull(err):
		told = fmt.Errorf("%w: %w", ErrFull, err)
	default:
		told = fmt.Errorf("commit: %w", err)
	}
	uncertain := errors.Is(err, ErrUncertain)
	for _, t := range group {
		c.refuse(t, uncertain)
		if t.kind == opRenew && t.entry != nil && uncertain {
			c.moves = append(c.moves, t.op)
		}
		t.err, t.count = told, 0
		switch {
		case t.kind == opSave && t.promised && c.flush.err == nil:
			c.store.flushFull.Store(isFull(err)) // no more are accepted from now on
			c.flush.err = told
			c.store.log.Error("session: cannot store accepted saves, they stay in memory", "error", told)
		case t.kind == opTouch:
			c.touch.err = told
		}
	}
	c.answer(group)
	return err
}

// refuse has the sessions that a failed task was to end stay ended in this process. What a task
// would have ended is known unless the failure is uncertain: then the ops before it in its group
// may not have happened, and it may have had others to end.
func (c *committer) refuse(t *task, uncertain bool) {
	switch {
	case t.kind == opDestroy:
		if !t.applied {
			t.ended = []ending{{t.id, t.reason}}
		}
		if !t.applied || uncertain {
			c.store.mem.refuse(t.id, t.reason)
		}
		c.refuseEach(t.ended)
	case t.kind == opDestroyUser && t.applied && !uncertain:
		c.refuseEach(t.ended) // one by one they may find room
		if t.owed != nil {
			c.settleOwed(t)
		}
	case t.owed != nil:
		t.owed.trying = false
	case t.kind == opDestroyUser, t.kind == opClear:
		t.owing = c.store.owe(&t.op, t.applied && (t.listed || t.kind == opDestroyUser))
	default:
		t.ended = nil
		return
	}
	c.retryLater(time.Now())
}

func (c *committer) refuseEach(ends []ending) {
	for _, e := range ends {
		c.store.mem.refuse(e.id, e.reason)
	}
}

// answer tells those who wait that the outcome of their tasks is there. What ended is published
// before the first of them can know.
func (c *committer) answer(group []*task) {
	for _, t := range group {
		if t.done != nil {
			t.news = c.store.observers.publish(t.ended...)
		}
	}
	for _, t := range group {
		t.answer()
	}
}
