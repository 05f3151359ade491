package session

import (
	"bytes"
	"context"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	duePage = 4096    // index entries read in one transaction
	maxDue  = 1 << 18 // index entries in memory at a time: 10 MiB, and 1 MiB for another order
)

// dueEntry is an entry of the expiry index.
type dueEntry struct {
	id       ID
	deadline int64
}

// dueEntries returns the entries of the expiry index that are due, from a key on, in their order,
// and the key to go on from; nil when these were the last.
func (b *BoltStore) dueEntries(ctx context.Context, from []byte, now time.Time) (due []dueEntry, next []byte, err error) {
	for next = from; len(due) < maxDue; {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		start := time.Now()
		err := b.viewTables(func(t tables) error {
			due, next = t.due(due, next, duePage, now)
			return nil
		})
		if err != nil || next == nil {
			return due, nil, err
		}
		if err := b.rest(ctx, time.Since(start)); err != nil {
			return nil, nil, err
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
		into = append(into, dueEntry{id: id, deadline: deadline})
	}
	return into, nil
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
