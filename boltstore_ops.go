package session

import "time"

// opKind says what an op does.
type opKind uint8

// The kinds of ops.
const (
	opSave        opKind = iota // rev to id, or just what is pending of id
	opDestroy                   // id
	opRenew                     // rev to id, moved to the ID to
	opClear                     // all sessions
	opDestroyUser               // the sessions of user
	opTouch                     // items: touches to store
	opReap                      // items: due sessions to judge
	opUnindex                   // items: index entries to delete when they lead to nothing
	opRekey                     // items: records of component to encrypt with the first key
	opDrain                     // nothing, after everything accepted so far was stored
	opPark                      // nothing, while somebody else works on the file
)

// op is one change of the store as an absolute value: it holds all that it depends on but for
// what is in the file, and applied twice it changes what it would once.
type op struct {
	kind      opKind
	id, to    ID
	at        time.Time // by which it is judged what has expired
	reason    Reason    // of an end
	rev       revision
	user      string
	except    []ID
	items     []item
	component string // of opRekey
	listed    bool   // whether the IDs of what ended are asked for

	owed *owedEnd // of an end that is tried again

	promised bool // whoever asked was told that it is stored

	// What memory has of id when the op is applied.
	touch   touchMark
	pending *revision // accepted before, and to be applied first

	leftover map[ID]*pendingEntry // of an op that ends many: what is accepted and not in the file
}

// item is one of many sessions that an op is about.
type item struct {
	id       ID
	deadline int64  // of its entry in the expiry index
	user     string // of opUnindex: whose entry in the user index is meant, not the one in the expiry index
	touch    touchMark
	pending  *revision
	entry    *pendingEntry // whose state pending is
	held     bool          // saves of it wait behind this task
	forged   bool          // of opRekey: the record cannot be right
}

// accepted returns the ops that store what is pending of the sessions that this op is about. An
// op that ends them has no need of it.
func (o *op) accepted() (ops []op) {
	add := func(id ID, rev *revision, touch touchMark) {
		if rev != nil {
			ops = append(ops, op{kind: opSave, id: id, at: rev.accepted, rev: *rev, touch: touch, promised: true})
		}
	}
	if o.kind == opSave || o.kind == opRenew {
		add(o.id, o.pending, o.touch)
	}
	if o.kind == opRenew || o.kind == opReap {
		for _, it := range o.items {
			add(it.id, it.pending, it.touch)
		}
	}
	return ops
}

// outcome is what came of an op.
type outcome struct {
	err   error
	count int      // sessions that ended and had not expired, or that were reaped
	ended []ending // that observers are to be told of
	news  *news    // of these, published
	took  time.Duration
	owing *owedEnd // an end of many that is to be tried again; live sessions are to end with it

	left     []userEntry // of opReap: entries of the user index that lead to nothing now
	dangling bool        // of opReap: an entry of the expiry index led to nothing before
}

// barrier says whether an op comes after everything that was accepted before it, of whatever
// session.
func (o *op) barrier() bool {
	switch o.kind {
	case opClear, opDestroyUser, opDrain:
		return true
	}
	return false
}

// single says whether an op is a request's, of one session.
func (o *op) single() bool {
	return o.kind == opSave || o.kind == opDestroy || o.kind == opRenew
}

// ends says whether the op does nothing but end sessions that somebody wants ended.
func (o *op) ends() bool {
	return o.kind == opDestroy || o.kind == opDestroyUser || o.kind == opClear
}

// task is an op on its way through the committer, and whoever waits for it.
type task struct {
	op
	outcome
	entry *pendingEntry // whose state op.pending is
	held  bool          // saves of its sessions wait behind this task

	applied  bool // the outcome is what the op would come to
	roomless bool // it found no room, and nothing was done

	refusals []ending      // refused when it began
	parking  *parking      // of opPark
	done     chan struct{} // nil when nobody waits
}

// newTask returns a task for o that can be waited for. Tasks are reused: a save needs no new
// channel. The pool is the store's, as channels of a test's bubble must not leave it.
func (b *BoltStore) newTask(o op) *task {
	t, ok := b.tasks.Get().(*task)
	if !ok {
		t = &task{done: make(chan struct{}, 1)}
	}
	t.op = o
	return t
}

// free gives a task back after its wait.
func (b *BoltStore) free(t *task) {
	*t = task{done: t.done}
	b.tasks.Put(t)
}

// answer tells the waiter that the outcome is there.
func (t *task) answer() {
	if t.done != nil {
		t.done <- struct{}{}
	}
}
