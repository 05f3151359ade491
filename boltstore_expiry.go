package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	reapChunk = 128     // sessions or index entries in one transaction of the reaper
	duePage   = 4096    // index entries read in one transaction
	maxDue    = 1 << 18 // index entries in memory at a time: 10 MiB, and as much in the other order
)

// dueEntry is an entry of the expiry index.
type dueEntry struct {
	id       ID
	deadline int64
}

// Reap is [Reapable].Reap. It costs what is due, not what is stored: due entries of the expiry
// index are judged in the order of the sessions' IDs, so that neighbours share pages, a few at a
// time and with pauses, so that others can write. A session that lives on, because it was used
// since it was filed, gets a new entry at its true deadline. At last the entries are deleted, in
// their own order. A crash in between leaves entries that lead to nothing; the next run deletes
// them.
func (b *BoltStore) Reap(ctx context.Context) (total int, err error) {
	start := time.Now()
	defer func() { b.stats.reaped(start, total, err) }()
	if err := b.drain(ctx); err != nil {
		return 0, err
	}
	b.watchPath()
	now := time.Now()
	var from []byte
	for {
		due, next, err := b.dueEntries(ctx, from, now)
		if err != nil {
			return total, err
		}
		n, err := b.reapItems(ctx, due, now)
		total += n
		if err == nil && next == nil && b.flushFull.Load() {
			return total, b.drain(ctx) // there may be room now for what was accepted
		}
		if err != nil || next == nil {
			return total, err
		}
		from = next
	}
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

// dueEntries returns the entries of the expiry index that are due, from a key on, in their order,
// and the key to go on from; nil when these were the last.
func (b *BoltStore) dueEntries(ctx context.Context, from []byte, now time.Time) (due []dueEntry, next []byte, err error) {
	for next = from; len(due) < maxDue; {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		err := b.viewTables(func(t tables) error {
			due, next = t.due(due, next, duePage, now)
			return nil
		})
		if err != nil || next == nil {
			return due, nil, err
		}
	}
	return due, next, nil
}

// due appends up to limit due entries.
func (t *tables) due(into []dueEntry, from []byte, limit int, now time.Time) (due []dueEntry, next []byte) {
	end := nanos(now)
	c := t.expiry.Cursor()
	for k, _ := c.Seek(from); k != nil; k, _ = c.Next() {
		deadline, id, ok := parseExpiryKey(k)
		if !ok {
			continue
		}
		if deadline > end {
			break
		}
		if limit--; limit < 0 {
			return into, bytes.Clone(k)
		}
		into = append(into, dueEntry{id, deadline})
	}
	return into, nil
}

// reapItems judges due sessions and deletes their index entries.
func (b *BoltStore) reapItems(ctx context.Context, due []dueEntry, now time.Time) (total int, err error) {
	byID := slices.Clone(due)
	slices.SortFunc(byID, func(x, y dueEntry) int { return compareIDs(x.id, y.id) })
	total, err = b.dueInChunks(ctx, &op{kind: opReap, at: now}, byID)
	if err == nil {
		_, err = b.dueInChunks(ctx, &op{kind: opUnfile, at: now}, due)
	}
	return total, err
}

// dueInChunks is inChunks for index entries. An item is twice the size of one.
func (b *BoltStore) dueInChunks(ctx context.Context, o *op, due []dueEntry) (total int, err error) {
	for chunk := range slices.Chunk(due, reapChunk) {
		n, err := b.dueChunk(ctx, o, chunk)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// dueChunk is inChunks for a chunk of index entries. In a full store, which has no room for all at
// once, they are done in smaller ones: each leaves more pages free than it needs.
func (b *BoltStore) dueChunk(ctx context.Context, o *op, due []dueEntry) (total int, err error) {
	total, err = b.inChunks(ctx, o, dueItems(due))
	if !errors.Is(err, ErrFull) || len(due) == 1 {
		return total, err
	}
	for part := range slices.Chunk(due, (len(due)+1)/2) {
		n, err := b.dueChunk(ctx, o, part)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

func dueItems(due []dueEntry) []item {
	items := make([]item, len(due))
	for i, entry := range due {
		items[i] = item{id: entry.id, deadline: entry.deadline}
	}
	return items
}

// inChunks does an op for a few items at a time, and pauses as long as that took.
func (b *BoltStore) inChunks(ctx context.Context, o *op, items []item) (total int, err error) {
	for chunk := range slices.Chunk(items, reapChunk) {
		o.items = chunk
		out, err := b.do(ctx, o)
		total += out.count
		if err != nil {
			return total, err
		}
		if err := b.rest(ctx, out.took); err != nil {
			return total, err
		}
	}
	return total, nil
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

// reap plans to delete the items that have expired, and to file those that live anew.
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
		case o.expired(was, it.touch):
			a.remove(it.id, was)
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

// unfile plans to delete index entries, but for those of sessions that are filed there.
func (a *applier) unfile(o *op) error {
	for _, it := range o.items {
		if was, err := a.find(it.id); err == nil && was != nil && was.filed == it.deadline {
			continue
		}
		a.drop(a.expiry, expiryKey(it.deadline, it.id))
	}
	return nil
}

// dueSession is a session that is filed under a deadline that has passed. nil metadata cannot be
// read: whoever wants the session finds it damaged, and ends it.
type dueSession struct {
	id   ID
	meta *storedMeta
}

// filedBefore returns the sessions under up to limit due entries, from a key on, and the key to
// go on from; nil when these were the last.
func (t *tables) filedBefore(now time.Time, from []byte, limit int) (sessions []dueSession, next []byte) {
	due, next := t.due(nil, from, limit, now)
	for _, it := range due {
		was, err := t.find(it.id)
		if err == nil && (was == nil || was.filed != it.deadline) {
			continue
		}
		sessions = append(sessions, dueSession{it.id, was})
	}
	return sessions, next
}

// countExpired counts the sessions that have expired by now, touches in memory counted.
func countExpired(sessions []dueSession, now time.Time, touches func(ID) touchMark) (n int) {
	for _, s := range sessions {
		if s.meta == nil || touches(s.id).over(s.meta.Meta).Expired(now) {
			n++
		}
	}
	return n
}

// viewTables calls f with the buckets of a read transaction.
func (b *BoltStore) viewTables(f func(tables) error) error {
	return b.view(func(tx *bolt.Tx) error {
		t, err := openTables(tx)
		if err != nil {
			return err
		}
		t.keys = b.opts.keys
		return f(t)
	})
}
