package session

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"
)

// byHand is a committer whose steps are a test's. The store's own one has nothing to do meanwhile.
func byHand(b *BoltStore, queued ...*task) *committer {
	c := &committer{store: b, queue: newTaskQueue()}
	for _, t := range queued {
		c.queue.add(t)
	}
	return c
}

// saveTask returns a task that sets n in a session.
func saveTask(t *testing.T, b *BoltStore, id ID, n uint64) *task {
	t.Helper()
	value := binary.BigEndian.AppendUint64([]byte{0x1b}, n|1<<63)
	o, err := b.saveOp(Changes{ID: id, Components: map[string]ComponentChanges{"": {Set: map[string][]byte{"n": value}}}})
	if err != nil {
		t.Fatal(err)
	}
	return b.newTask(*o)
}

// answered says whether a task was, and how it went.
func answered(t *testing.T, task *task) error {
	t.Helper()
	select {
	case <-task.done:
		return task.err
	default:
		t.Fatalf("a task of kind %d was not answered", task.kind)
		return nil
	}
}

func stores(t *testing.T, b *BoltStore, id ID, n uint64) bool {
	t.Helper()
	s, err := b.Get(t.Context(), id)
	if errors.Is(err, ErrNotFound) {
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	got, ok := Key[uint64]("n").Get(s)
	return ok && got == n|1<<63
}

// TestCommitTakesLateSaves: what is queued while a transaction is filled is part of it, up to
// the first task that is not about one session.
func TestCommitTakesLateSaves(t *testing.T) {
	b := openBolt(t, nil)
	for i := range 4 {
		create(t, b, testID(i))
	}
	first, save, late := saveTask(t, b, testID(0), 10), saveTask(t, b, testID(1), 11), saveTask(t, b, testID(3), 13)
	end := b.newTask(op{kind: opDestroy, id: testID(2), reason: Destroyed, at: time.Now()})
	drain := b.newTask(op{kind: opDrain})
	c := byHand(b, save, end, drain, late)
	before := b.Stats()
	c.commitOpen([]*task{first})
	for _, task := range []*task{first, save, end} {
		if err := answered(t, task); err != nil {
			t.Error(err)
		}
	}
	after := b.Stats()
	if commits, ops := after.Commits-before.Commits, after.Ops-before.Ops; commits != 1 || ops != 3 {
		t.Errorf("%d commits of %d ops", commits, ops)
	}
	if !stores(t, b, testID(0), 10) || !stores(t, b, testID(1), 11) || stores(t, b, testID(2), 1) || stores(t, b, testID(3), 13) {
		t.Error("not what the tasks say")
	}
	if left := c.queue.take(nil); !slices.Equal(left, []*task{drain, late}) {
		t.Errorf("%d tasks are left", len(left))
	}
}

// TestJoinHasRoom: a full group takes no more, and the order of the rest stays.
func TestJoinHasRoom(t *testing.T) {
	q, all := newTaskQueue(), make([]*task, 5)
	for i := range all {
		all[i] = new(task)
		q.add(all[i])
	}
	group := make([]*task, maxGroup-2)
	group = q.join(group, func(*task) bool { return true })
	if len(group) != maxGroup || !slices.Equal(group[maxGroup-2:], all[:2]) {
		t.Errorf("a group of %d", len(group))
	}
	if more := q.join(make([]*task, maxGroup+1), func(*task) bool { return true }); len(more) != maxGroup+1 {
		t.Errorf("a group of %d", len(more))
	}
	if rest := q.take(nil); !slices.Equal(rest, all[2:]) {
		t.Errorf("%d tasks are left", len(rest))
	}
}

// TestJoinKnowsWhatIsOwed: a Clear that is owed since the transaction began ends the sessions from
// before it, and spares those from after it. A save from after it must not be taken for one from before.
func TestJoinKnowsWhatIsOwed(t *testing.T) {
	b := openBolt(t, nil)
	create(t, b, testID(1))
	late := saveTask(t, b, testID(1), 11)
	c := byHand(b, late)
	c.owed, c.open = b.mem.owedEnds(), true
	b.owe(&op{kind: opClear, reason: Cleared}, false)
	if c.join(); len(c.under) != 0 {
		t.Error("joined")
	}
	c.owed = b.mem.owedEnds()
	if c.join(); !slices.Equal(c.under, []*task{late}) {
		t.Error("not joined when the transaction began later")
	}
	c.letGo(late)
	if _, err := b.Clear(context.Background()); err != nil { // for the end of the test
		t.Fatal(err)
	}
}

// TestLateSavesShareFailures: each task of a transaction that fails is tried alone, and answered,
// whether it joined or not; nobody joins those tries.
func TestLateSavesShareFailures(t *testing.T) {
	for name, fail := range map[string]error{"clean": nil, "uncertain": ErrUncertain} {
		t.Run(name, func(t *testing.T) {
			sabotage := new(saboteur)
			b := openBolt(t, &BoltOptions{commit: sabotage.commit})
			for i := range 3 {
				create(t, b, testID(i))
			}
			first, second := saveTask(t, b, testID(0), 10), saveTask(t, b, testID(1), 11)
			c := byHand(b, second)
			tries := sabotage.tries.Load()
			wantTries := tries + 3
			if sabotage.next(noRoom); fail != nil {
				sabotage.next(syncFailed)
				wantTries = tries + 1
			}
			c.commitOpen([]*task{first})
			for _, task := range []*task{first, second} {
				if err := answered(t, task); !errors.Is(err, fail) {
					t.Errorf("%v", err)
				}
			}
			if got := sabotage.tries.Load(); got != wantTries {
				t.Errorf("%d tries", got-tries)
			}
			if fail == nil && !(stores(t, b, testID(0), 10) && stores(t, b, testID(1), 11)) {
				t.Error("not stored")
			}
		})
	}
}
