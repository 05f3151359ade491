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
func (c *committer) commit(group []*task) (err error) {
	if len(group) == 0 {
		return nil
	}
	if c.failed != nil {
		return c.deny(group, ErrFailed)
	}
	err = c.transact(group)
	var uncertain *commitError
	switch {
	case err == nil:
		c.answer(group)
	case errors.As(err, &uncertain):
		c.failed = err
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
		if full++; !boltfile.IsFull(c.commit([]*task{t})) {
			full = 0
		}
	}
}

// deny answers a group that was not stored, or perhaps was. Ends are refused all the same, and
// tried again.
func (c *committer) deny(group []*task, err error) error {
	told := err
	switch {
	case errors.Is(err, ErrUncertain), errors.Is(err, ErrFailed):
	case boltfile.IsFull(err):
		told = fmt.Errorf("%w: %w", ErrFull, err)
	default:
		told = fmt.Errorf("commit: %w", err)
	}
	for _, t := range group {
		c.refuse(t)
		if t.kind == opRenew && t.entry != nil && errors.Is(err, ErrUncertain) {
			c.moves = append(c.moves, t.op)
		}
		t.err, t.count = told, 0
		switch {
		case t.kind == opSave && t.promised && c.flush.err == nil:
			c.flush.err = told
			c.store.log.Error("session: cannot store accepted saves, they stay in memory", "error", told)
		case t.kind == opTouch:
			c.touch.err = told
		}
	}
	c.answer(group)
	return err
}

// refuse has the sessions that a failed task was to end stay ended in this process.
func (c *committer) refuse(t *task) {
	m := c.store.mem
	switch {
	case t.kind == opDestroy && !t.applied:
		m.refuse(t.id, t.reason)
		t.ended = []ending{{t.id, t.reason}}
	case t.kind == opDestroy || t.kind == opDestroyUser:
		for _, e := range t.ended {
			m.refuse(e.id, e.reason)
		}
	default:
		t.ended = nil
		return
	}
	if c.retryAt == 0 && m.refused.Load() > 0 {
		c.retryAt = c.queue.clock(time.Now().Add(retryRefused))
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
