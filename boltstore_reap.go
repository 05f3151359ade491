package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

const (
	reapChunk  = 128      // sessions in one transaction of the reaper, and of Rekey
	indexChunk = 512      // index entries in one: neighbours, on few pages
	maxLeft    = 16 << 20 // bytes of the user index's entries in memory
)

// Reap is [Reapable].Reap. It costs what is due, not what is stored: due entries of the expiry
// index are judged in the order of the sessions' IDs, so that neighbours share pages, a few at a
// time and with pauses, so that others can write. A session that lives on, because it was used
// since it was filed, gets a new entry at its true deadline. At last the entries in the indexes are
// deleted, each index in its own order, for the same reason. A crash in between leaves entries that
// lead to nothing; the next run deletes them.
func (b *BoltStore) Reap(ctx context.Context) (total int, err error) {
	start := time.Now()
	defer func() { b.stats.reaped(start, total, err) }()
	if err := b.drain(ctx); err != nil {
		return 0, err
	}
	b.watchPath()
	r := &reaping{store: b, at: time.Now()}
	err = r.run(ctx)
	if err == nil && b.flushFull.Load() {
		err = b.drain(ctx) // there may be room now for what was accepted
	}
	return r.total, err
}

// watchPath logs an error if the path does not name the open file any more. It comes with each run
// of the reaper: nothing else would tell until the next restart, which finds another state.
func (b *BoltStore) watchPath() {
	file, err := b.lockFile()
	if err != nil {
		return
	}
	err = file.CheckPath()
	b.fileMu.RUnlock()
	if errors.Is(err, ErrReplaced) {
		b.log.Error("session: the store's file was replaced or removed under the running program, which goes on with the one "+
			"it has open, and a restart will not find what is saved; put it back if it was moved, otherwise restart the "+
			"program to use what is at the path", "path", b.path)
	}
}

// drain has everything that was accepted stored, as far as it can be.
func (b *BoltStore) drain(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.queue.refusal(); err != nil || b.mem.pending.Load() == 0 {
		return err
	}
	_, err := b.do(ctx, &op{kind: opDrain, at: time.Now()})
	return err
}

// reaping is one run of the reaper.
type reaping struct {
	store    *BoltStore
	at       time.Time // by which it is judged what has expired
	total    int
	left     userRuns // of sessions that were reaped
	leftSize int      // bytes
	dangling bool     // an earlier run ended before it had deleted its entries
}

func (r *reaping) run(ctx context.Context) error {
	var from []byte
	for {
		due, next, err := r.store.dueEntries(ctx, from, r.at)
		if err == nil {
			err = r.reap(ctx, due)
		}
		if err != nil {
			return err
		}
		if next == nil {
			break
		}
		from = next
	}
	if r.dangling {
		return r.sweep(ctx)
	}
	return nil
}

// reap judges due sessions and deletes their entries in the indexes. Those in the index of deadlines go
// last: by them the next run knows that this one did not come to its end.
func (r *reaping) reap(ctx context.Context, due []dueEntry) error {
	for chunk := range byID(due, reapChunk) {
		if err := r.chunk(ctx, opReap, dueItems(chunk)); err != nil {
			return err
		}
		if r.leftSize < maxLeft {
			continue
		}
		if err := r.unindex(ctx, nil); err != nil {
			return err
		}
	}
	return r.unindex(ctx, due)
}

// unindex deletes what was left in the index of users, and then entries of the index of deadlines.
func (r *reaping) unindex(ctx context.Context, due []dueEntry) error {
	for len(r.left) > 0 {
		if err := r.chunk(ctx, opUnindex, userItems(r.left.next(indexChunk))); err != nil {
			return err
		}
	}
	r.leftSize = 0
	for chunk := range slices.Chunk(due, indexChunk) {
		if err := r.chunk(ctx, opUnindex, dueItems(chunk)); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes all entries of the user index that lead to nothing.
func (r *reaping) sweep(ctx context.Context) error {
	for from := []byte{}; from != nil; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var stale []userEntry
		err := r.store.viewTables(func(t tables) error {
			stale, from = t.strayUsers(from, duePage)
			return nil
		})
		if err != nil {
			return err
		}
		r.left.add(stale)
		if err := r.unindex(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// strayUsers returns which of up to limit entries of the user index lead to nothing, from a key on,
// and the key to go on from; nil when these were the last.
func (t *tables) strayUsers(from []byte, limit int) (stray []userEntry, next []byte) {
	c := t.users.Cursor()
	for k, _ := c.Seek(from); k != nil; k, _ = c.Next() {
		if limit--; limit < 0 {
			return stray, bytes.Clone(k)
		}
		user, id, ok := parseUserKey(k)
		if !ok {
			continue
		}
		if e := (userEntry{string(user), id}); t.leadsNowhere(&item{id: id, user: e.user}) {
			stray = append(stray, e)
		}
	}
	return stray, nil
}

// leadsNowhere says whether an index has an entry that it need not have. Nobody knows what leads to a
// session whose metadata cannot be read: a user's entry stays, so that logging the user out ends it.
func (t *tables) leadsNowhere(e *item) bool {
	was, err := t.find(e.id)
	switch {
	case e.user == "":
		return err != nil || was == nil || was.filed != e.deadline
	case err != nil:
		return false
	}
	return was == nil || was.User != e.user
}

// chunk does an op for a few items. In a full store, which has no room for all at once, they are
// done in smaller ones: each leaves more pages free than it needs.
func (r *reaping) chunk(ctx context.Context, kind opKind, items []item) error {
	err := r.store.doAndRest(ctx, &op{kind: kind, at: r.at, items: items}, r.note)
	if !errors.Is(err, ErrFull) || len(items) == 1 {
		return err
	}
	for part := range slices.Chunk(items, (len(items)+1)/2) {
		if err := r.chunk(ctx, kind, part); err != nil {
			return err
		}
	}
	return nil
}

// note takes in what came of an op.
func (r *reaping) note(out *outcome) {
	r.total += out.count
	r.dangling = r.dangling || out.dangling
	r.left.add(out.left)
	for _, e := range out.left {
		r.leftSize += len(e.user) + len(e.id) + 3*8
	}
}

// doAndRest does an op in the background of others: it pauses as long as that took. note is told what
// came of it.
func (b *BoltStore) doAndRest(ctx context.Context, o *op, note func(*outcome)) error {
	out, err := b.do(ctx, o)
	if err != nil {
		return err
	}
	note(&out)
	return b.rest(ctx, out.took)
}

// rest waits for d.
func (b *BoltStore) rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-b.closing:
		return ErrClosed
	}
}

// reap plans to delete the items that have expired, but for their entries in the indexes, and to file
// those that live anew.
func (a *applier) reap(o *op, out *outcome) error {
	var damaged *ID // the last one: a session may be due twice
	for i := range o.items {
		it := &o.items[i]
		was, err := a.find(it.id)
		switch {
		case errors.Is(err, errDamaged):
			if damaged == nil || *damaged != it.id {
				a.removeDamaged(it.id)
				out.ended = append(out.ended, ending{it.id, Damaged})
			}
			damaged = &it.id
		case was == nil || was.filed != it.deadline: // the entry leads to nothing, or is an old one
			it.touch = touchMark{}
			out.dangling = out.dangling || was == nil
		case o.expired(was, it.touch):
			a.remove(it.id, was)
			if was.User != "" {
				out.left = append(out.left, userEntry{was.User, it.id})
			}
			out.count++
			out.ended = append(out.ended, ending{it.id, Expired})
		default:
			a.refile(it, was)
		}
	}
	return nil
}

// refile plans to file a living session at its true deadline. The old entry is deleted later,
// along with the others.
func (a *applier) refile(it *item, was *storedMeta) {
	next := *was
	next.Meta = it.touch.over(was.Meta)
	next.filed = nanos(next.ExpiresAt())
	a.put(a.expiry, expiryKey(next.filed, it.id), []byte{})
	a.put(a.global, metaKey(it.id), next.seal(nil, it.id))
}

// unindex plans to delete index entries that lead to nothing.
func (a *applier) unindex(o *op) error {
	for i := range o.items {
		it := &o.items[i]
		switch {
		case !a.leadsNowhere(it):
		case it.user != "":
			a.drop(a.users, userKey(it.user, it.id))
		default:
			a.drop(a.expiry, expiryKey(it.deadline, it.id))
		}
	}
	return nil
}
