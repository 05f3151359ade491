package session

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// maxGroup is how many ops one transaction takes.
const maxGroup = 256

// taskQueue is what waits for the committer.
type taskQueue struct {
	wake chan struct{} // has a token when there may be something to do

	mu     sync.Mutex
	tasks  []*task
	spare  []*task // the other half of a double buffer
	length atomic.Int64
	why    atomic.Pointer[error] // why no task is taken: ErrClosed, or ErrFailed for now

	start   time.Time    // of the clock that due times are read from, which nobody can set
	flushAt atomic.Int64 // when pending saves are due; 0: none are
	touchAt atomic.Int64 // the same of touches
	retryAt atomic.Int64 // the same of ends that could not be stored
}

func newTaskQueue() *taskQueue {
	return &taskQueue{wake: make(chan struct{}, 1), start: time.Now()}
}

// clock returns when t is, in nanoseconds since the queue was made, and never 0. t has a monotonic
// reading: were it the wall clock's, work would be late by as much as that is set back.
func (q *taskQueue) clock(t time.Time) int64 { return max(1, int64(t.Sub(q.start))) }

// add queues a task.
func (q *taskQueue) add(t *task) error {
	q.mu.Lock()
	if err := q.refusal(); err != nil {
		q.mu.Unlock()
		return err
	}
	q.tasks = append(q.tasks, t)
	q.length.Store(int64(len(q.tasks)))
	q.mu.Unlock()
	q.signal()
	return nil
}

// signal wakes the committer.
func (q *taskQueue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// stop has the queue take no more tasks, because of err, or take them again when err is nil. A
// closed queue stays closed.
func (q *taskQueue) stop(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed():
	case err == nil:
		q.why.Store(nil)
	default:
		q.why.Store(&err)
	}
}

// refusal returns why no task is taken, nil when they are.
func (q *taskQueue) refusal() error {
	if why := q.why.Load(); why != nil {
		return *why
	}
	return nil
}

func (q *taskQueue) closed() bool { return q.refusal() == ErrClosed }

// take adds the queued tasks to a group, up to maxGroup of them.
func (q *taskQueue) take(group []*task) []*task {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.popLocked(group, min(len(q.tasks), maxGroup))
}

// join adds the queued tasks to a group that is not full, up to the first that may not be part
// of it. It lets those who are about to queue theirs go first.
func (q *taskQueue) join(group []*task, may func(*task) bool) []*task {
	runtime.Gosched()
	q.mu.Lock()
	defer q.mu.Unlock()
	n, room := 0, maxGroup-len(group)
	for n < min(len(q.tasks), room) && may(q.tasks[n]) {
		n++
	}
	return q.popLocked(group, n)
}

// popLocked moves the first n tasks to a group.
func (q *taskQueue) popLocked(group []*task, n int) []*task {
	if n == 0 {
		return group
	}
	group = append(group, q.tasks[:n]...)
	rest := append(q.spare[:0], q.tasks[n:]...)
	clear(q.tasks)
	q.tasks, q.spare = rest, q.tasks
	q.length.Store(int64(len(rest)))
	return group
}

// soonest moves a due time forward.
func (q *taskQueue) soonest(due *atomic.Int64, at time.Time) {
	for n := q.clock(at); ; {
		old := due.Load()
		if old != 0 && old <= n {
			return
		}
		if due.CompareAndSwap(old, n) {
			q.signal()
			return
		}
	}
}

// wait returns when a task is queued or something else is due, at the time at unless that is 0.
func (q *taskQueue) wait(at int64) {
	if q.length.Load() > 0 {
		return
	}
	if at == 0 {
		<-q.wake
		return
	}
	timer := time.NewTimer(time.Until(q.start.Add(time.Duration(at))))
	defer timer.Stop()
	select {
	case <-q.wake:
	case <-timer.C:
	}
}
