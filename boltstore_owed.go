package session

import (
	"math"
	"slices"
	"sync"
	"time"
)

// owedEnd is a Clear or DestroyUser that could not be stored, or perhaps was. Which sessions it
// was to end, only the file may know, and that may be unreadable: so what it covers is refused
// wherever it turns up, until the op is carried out. Sessions that came later are spared.
type owedEnd struct {
	op
	told   bool // observers know which sessions it ended
	trying bool // a task for it is under way; the committer's own

	mu     sync.Mutex
	spared map[ID]struct{}
}

// newOwedEnd returns what is owed when o could not be stored.
func newOwedEnd(o *op) *owedEnd {
	return &owedEnd{
		op:     op{kind: o.kind, user: o.user, except: slices.Clone(o.except), reason: o.reason},
		spared: make(map[ID]struct{}),
	}
}

// covers says whether a session that is stored as the user's is to end.
func (e *owedEnd) covers(id ID, user string) bool {
	if e.kind == opDestroyUser && (e.user != user || slices.Contains(e.except, id)) {
		return false
	}
	return !e.spares(id)
}

// spares says whether a session came after the end. A nil end spares none.
func (e *owedEnd) spares(id ID) bool {
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, spared := e.spared[id]
	return spared
}

// sparesAny says whether any session came after the end.
func (e *owedEnd) sparesAny() bool {
	if e == nil {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.spared) > 0
}

func (e *owedEnd) spare(id ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spared[id] = struct{}{}
}

// replaces says whether all that f covers is covered by e, which came later.
func (e *owedEnd) replaces(f *owedEnd) bool {
	if e.kind == opClear {
		return true
	}
	return f.kind == opDestroyUser && e.user == f.user && (len(e.except) == 0 || slices.Equal(e.except, f.except))
}

// owedEnds are the ends that are owed, oldest first. It is not modified.
type owedEnds []*owedEnd

// cover says whether one of the ends covers a session.
func (l owedEnds) cover(id ID, user string) bool {
	return slices.ContainsFunc(l, func(e *owedEnd) bool { return e.covers(id, user) })
}

// spare has the ends leave a session alone that was just stored by a save or renewal: what they
// cover cannot be saved, so it came, or became the user's, after them.
func (l owedEnds) spare(id ID, rev *revision, moved bool) {
	for _, e := range l {
		if moved || rev.isNew || e.kind == opDestroyUser && rev.meta != nil && rev.meta.User == e.user {
			e.spare(id)
		}
	}
}

// owedEnds returns the ends that are owed.
func (m *memory) owedEnds() owedEnds {
	if list := m.owed.Load(); list != nil {
		return *list
	}
	return nil
}

// owe has the sessions that e covers refused. All shards are locked meanwhile: a save that is
// accepted into memory came either before e, and ends, or after it, and is spared.
func (m *memory) owe(e *owedEnd) {
	for i := range m.shards {
		m.shards[i].mu.Lock()
		defer m.shards[i].mu.Unlock()
	}
	m.replaceOwed(func(list owedEnds) owedEnds {
		return append(slices.DeleteFunc(list, e.replaces), e)
	})
}

// paid forgets an end that is in the file.
func (m *memory) paid(e *owedEnd) {
	m.replaceOwed(func(list owedEnds) owedEnds {
		return slices.DeleteFunc(list, func(f *owedEnd) bool { return f == e })
	})
}

// replaceOwed changes a copy of the list. Each end counts as one that is refused.
func (m *memory) replaceOwed(change func(owedEnds) owedEnds) {
	m.owedMu.Lock()
	defer m.owedMu.Unlock()
	was := m.owedEnds()
	now := change(slices.Clone(was))
	m.refused.Add(int64(len(now) - len(was)))
	if len(now) == 0 {
		m.owed.Store(nil)
		return
	}
	m.owed.Store(&now)
}

// owe remembers that o could not be stored, and returns what is to end in the process at once.
func (b *BoltStore) owe(o *op, told bool) *owedEnd {
	e := newOwedEnd(o)
	e.told = told
	b.mem.owe(e)
	return e
}

// refusing is what is refused at a moment.
type refusing struct {
	ids  map[ID]bool
	owed owedEnds
}

func (b *BoltStore) refusing() (r refusing) {
	r.owed = b.mem.owedEnds()
	for _, e := range b.mem.refusals(math.MaxInt) {
		r.ids = noted(r.ids, e.id)
	}
	return r
}

// has says whether a session is among what is refused, that was read as the user's.
func (r refusing) has(id ID, user string) bool { return r.ids[id] || r.owed.cover(id, user) }

// refuser is a store that can end sessions without a list of them.
type refuser interface {
	// onRefuse has f called when the stored sessions of which covers says so end in this process.
	onRefuse(f func(reason Reason, covers func(id ID, user string) bool))
	// refuses says whether a session that was read as the user's has ended that way.
	refuses(id ID, user string) bool
}

func (b *BoltStore) onRefuse(f func(Reason, func(ID, string) bool)) {
	b.observers.mu.Lock()
	defer b.observers.mu.Unlock()
	b.observers.refusals = append(b.observers.refusals[:len(b.observers.refusals):len(b.observers.refusals)], f)
}

func (b *BoltStore) refuses(id ID, user string) bool { return b.mem.owedEnds().cover(id, user) }

// refuse ends the live sessions that e covers.
func (o *observers) refuse(e *owedEnd) {
	o.mu.Lock()
	list := o.refusals
	o.mu.Unlock()
	for _, f := range list {
		f(e.reason, e.covers)
	}
}

// retries returns tasks for the ends of many that are owed and not being tried.
func (c *committer) retries(now time.Time) (tasks []*task) {
	for _, e := range c.store.mem.owedEnds() {
		if e.trying {
			continue
		}
		e.trying = true
		o := e.op
		o.at, o.owed, o.listed = now, e, !e.told && c.store.observers.any()
		tasks = append(tasks, &task{op: o})
	}
	return tasks
}

// settleOwed notes what came of another try. Nobody waits for it, so that observers are told
// aside.
func (c *committer) settleOwed(t *task) {
	t.owed.trying = false
	if t.err != nil {
		return
	}
	b := c.store
	b.mem.paid(t.owed)
	if t.owed.told {
		return
	}
	if n := b.observers.publish(t.ended...); n != nil {
		b.telling.Go(func() { b.observers.tell(n) })
	}
}
