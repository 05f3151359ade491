package session

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// applier applies ops in one transaction. An op is planned first: all that can be wrong with it
// alone is found before anything is written, so that it harms none of the others.
type applier struct {
	tables
	limit int                // encoded bytes of a component
	crowd bool               // no room for new sessions
	seen  func(ID) touchMark // touches in memory, of sessions that the op does not name

	room    *room         // nil: as much as is needed
	refused func(ID) bool // ended, and not in the file yet
	owed    owedEnds      // the same of many
	gone    map[ID]bool   // the refused ones that an op of this transaction ended
	fresh   map[ID]bool   // stored by a save of this transaction: later than all that is owed

	edits   []edit
	planned int64 // what the plan adds to count
	wipe    bool  // planned: delete everything
	count   int64 // sessions in the file
	wrote   bool  // whether there is anything to commit
	refiled bool  // whether the expiry index changed

	newcomers newcomers
	grown     map[string]bool // components, but for the global one, that values were put into
}

// edit is a planned write: of a bucket, or of a component's.
type edit struct {
	bucket    *bolt.Bucket
	component string // when bucket is nil
	key       []byte
	value     []byte // nil: delete
}

// newApplier returns an applier for tx.
func newApplier(tx *bolt.Tx, limit int) (*applier, error) {
	t, err := openTables(tx)
	if err != nil {
		return nil, err
	}
	none := func(ID) bool { return false }
	return &applier{tables: t, limit: limit, count: int64(t.global.Sequence()), refused: none}, nil
}

// apply applies the task's op, after what is pending of its session. What is wrong with the op
// is in its outcome; the error returned is the transaction's, which must be rolled back.
func (a *applier) apply(t *task) error {
	t.outcome, t.applied = outcome{}, true
	for _, accepted := range t.accepted() {
		var out outcome
		if err := a.run(a.afford(&accepted, t.kind == opReap, a.save(&accepted)), &out); err != nil {
			return err
		}
		if t.roomless = out.err == errNoRoom; t.roomless {
			t.err = errNoRoom
			return a.spoilt()
		}
	}
	if err := a.run(a.afford(&t.op, false, a.plan(&t.op, &t.outcome)), &t.outcome); err != nil {
		return err
	}
	t.roomless = t.err == errNoRoom
	return a.spoilt()
}

// spoilt returns why the transaction cannot go on whatever is in it.
func (a *applier) spoilt() error {
	if a.room == nil {
		return nil
	}
	return a.room.err
}

// plan plans the writes of an op.
func (a *applier) plan(o *op, out *outcome) error {
	switch o.kind {
	case opSave:
		return a.save(o)
	case opDestroy:
		return a.destroy(o, out)
	case opRenew:
		return a.renew(o, out)
	case opClear:
		return a.clear(o, out)
	case opDestroyUser:
		return a.destroyUser(o, out)
	case opTouch:
		return a.touch(o)
	case opReap:
		return a.reap(o, out)
	case opUnindex:
		return a.unindex(o)
	case opRekey:
		return a.rekey(o, out)
	}
	return nil
}

// run does what was planned, or notes why there is no plan.
func (a *applier) run(problem error, out *outcome) error {
	edits, planned, wipe := a.edits, a.planned, a.wipe
	a.edits, a.planned, a.wipe = a.edits[:0], 0, false
	if problem != nil {
		*out = outcome{err: problem}
		return nil
	}
	if wipe {
		return a.wipeAll()
	}
	for _, e := range edits {
		if err := a.do(e); err != nil {
			return fmt.Errorf("write record: %w", err)
		}
	}
	if planned != 0 {
		a.count += planned
		return a.global.SetSequence(uint64(a.count))
	}
	return nil
}

// do does one planned write.
func (a *applier) do(e edit) (err error) {
	a.wrote = true
	a.refiled = a.refiled || e.bucket == a.expiry
	switch {
	case e.bucket == nil && e.value != nil:
		a.grow(e.component)
		e.bucket, err = a.sessions.CreateBucketIfNotExists(bucketName(e.component))
	case e.bucket == nil:
		e.bucket = a.component(e.component)
	}
	switch {
	case err != nil:
		return err
	case e.value != nil:
		return e.bucket.Put(e.key, e.value)
	case e.bucket == nil:
		return nil
	}
	if err := e.bucket.Delete(e.key); err != nil || e.component == "" {
		return err
	}
	return a.dropUnused(e)
}

func (a *applier) grow(component string) {
	if a.grown == nil {
		a.grown = make(map[string]bool)
	}
	a.grown[component] = true
}

// dropUnused deletes the bucket of a component that no session has any more: names may be made of
// things that come and go.
func (a *applier) dropUnused(e edit) error {
	if k, _ := e.bucket.Cursor().First(); k != nil {
		return nil
	}
	return a.sessions.DeleteBucket(bucketName(e.component))
}

// put plans to write a value, drop to delete a key.
func (a *applier) put(b *bolt.Bucket, key, value []byte) {
	a.edits = append(a.edits, edit{bucket: b, key: key, value: value})
}

func (a *applier) drop(b *bolt.Bucket, key []byte) {
	a.edits = append(a.edits, edit{bucket: b, key: key})
}

// write plans to store a session as next with the given components. was is what is there
// under id, nil for none.
func (a *applier) write(id ID, was, next *storedMeta, bodies []loadedComponent) {
	deadline := nanos(next.ExpiresAt())
	next.filed = deadline
	if was == nil {
		a.planned++
		a.newcomers.add(id)
		a.put(a.expiry, expiryKey(deadline, id), []byte{})
	} else if next.filed = min(deadline, was.filed); next.filed != was.filed {
		a.drop(a.expiry, expiryKey(was.filed, id))
		a.put(a.expiry, expiryKey(next.filed, id), []byte{})
	}
	if was != nil && was.User != "" && was.User != next.User {
		a.drop(a.users, userKey(was.User, id))
	}
	if next.User != "" && (was == nil || was.User != next.User) {
		a.put(a.users, userKey(next.User, id), []byte{})
	}
	for _, c := range bodies {
		e := edit{component: c.name, key: dataKey(c.name, id)}
		if c.name == "" {
			e.bucket = a.global
		}
		if c.values.Len() > 0 {
			e.value = sealValues(a.keys, c.name, id, c.values)
		}
		a.edits = append(a.edits, e)
	}
	if was == nil || !was.equal(next) {
		a.put(a.global, metaKey(id), next.seal(nil, id))
	}
}

// remove plans to delete all of a session but its entries in the indexes.
func (a *applier) remove(id ID, was *storedMeta) {
	a.planned--
	a.drop(a.global, metaKey(id))
	a.drop(a.global, dataKey("", id))
	for _, name := range was.names {
		a.edits = append(a.edits, edit{component: name, key: dataKey(name, id)})
	}
}

// removeDamaged plans to delete what can be found of a session whose metadata cannot be read.
// Its entries in the indexes stay: they lead to nothing, and are cleared away by those who
// follow them.
func (a *applier) removeDamaged(id ID) {
	a.planned--
	a.drop(a.global, metaKey(id))
	a.drop(a.global, dataKey("", id))
	a.sessions.ForEachBucket(func(name []byte) error {
		if len(name) != 1 || name[0] != 0 {
			a.edits = append(a.edits, edit{component: string(name), key: dataKey(string(name), id)})
		}
		return nil
	})
}
