package session

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/boltsession/session/internal/record"
)

// listPage is how many sessions are read in one transaction.
const listPage = 256

// All is [Lister].All: by ID, in short transactions between which others can write. A session
// with a damaged record is left out, and ends as it does when Get finds it.
func (b *BoltStore) All(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		b.list(ctx, nil, yield, (*tables).page)
	}
}

// from is All of the sessions whose IDs begin with a prefix of hex digits.
func (b *BoltStore) from(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	first, _ := hex.DecodeString(prefix + strings.Repeat("0", len(prefix)%2))
	return func(yield func(Info, error) bool) {
		whileMatching := func(info Info, err error) bool {
			return (err != nil || strings.HasPrefix(info.ID.String(), prefix)) && yield(info, err)
		}
		b.list(ctx, first, whileMatching, (*tables).page)
	}
}

// ByUser is [UserIndex].ByUser.
func (b *BoltStore) ByUser(ctx context.Context, user string) (infos []Info, err error) {
	if user == "" {
		return nil, b.usable(ctx)
	}
	collect := func(info Info, failed error) bool {
		if err = failed; err == nil && info.User == user {
			infos = append(infos, info)
		}
		return err == nil
	}
	b.list(ctx, nil, collect, func(t *tables, from []byte) (page []listed, next []byte) {
		return t.userPage(user, from)
	})
	return infos, err
}

// Length is [Lister].Length. It is a counter, less what has expired and is not reaped: without
// any of that it costs nothing.
func (b *BoltStore) Length(ctx context.Context) (int, error) {
	if err := b.readable(ctx); err != nil {
		return 0, err
	}
	now := time.Now()
	if b.nextDue.Load() > nanos(now) && b.mem.refused.Load() == 0 && !b.flushFull.Load() {
		return int(b.count.Load()), nil
	}
	if len(b.mem.owedEnds()) > 0 || b.flushFull.Load() {
		return b.countListed(ctx)
	}
	return b.countNow(ctx, now)
}

// countListed counts the sessions one by one.
func (b *BoltStore) countListed(ctx context.Context) (n int, err error) {
	for _, err := range b.All(ctx) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// countNow counts the sessions when some are due. Those that come or go meanwhile may be counted
// either way.
func (b *BoltStore) countNow(ctx context.Context, now time.Time) (n int, err error) {
	refused := b.mem.refusals(math.MaxInt)
	var from []byte
	for first := true; first || from != nil; first = false {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		var due []dueSession
		err := b.viewTables(func(t tables) error {
			if first {
				n = int(t.global.Sequence()) - t.countAlive(refused, now)
			}
			due, from = t.filedBefore(now, from, duePage)
			return nil
		})
		if err != nil {
			return 0, err
		}
		// Not in the transaction: whoever holds a shard may be waiting for one.
		n -= countExpired(due, now, b.mem.touched)
	}
	return n, nil
}

// countAlive counts those of the sessions that are in the file and have not expired.
func (t *tables) countAlive(sessions []ending, now time.Time) (n int) {
	for _, s := range sessions {
		if m, err := t.find(s.id); err == nil && m != nil && !m.Expired(now) {
			n++
		}
	}
	return n
}

// readable returns why a listing cannot begin, after it had everything stored that was accepted.
func (b *BoltStore) readable(ctx context.Context) error {
	if err := b.usable(ctx); err != nil || b.mem.pending.Load() == 0 {
		return err
	}
	_, err := b.do(ctx, &op{kind: opDrain, at: time.Now()})
	return err
}

// listed is a session as a listing finds it in the file.
type listed struct {
	id     ID
	meta   *storedMeta
	counts map[string]int
	err    error // errDamaged
}

// list yields what the pages have, read in short transactions, from an ID on.
func (b *BoltStore) list(ctx context.Context, from []byte, yield func(Info, error) bool, read func(*tables, []byte) ([]listed, []byte)) {
	if err := b.readable(ctx); err != nil {
		yield(Info{}, err)
		return
	}
	ahead := b.unstoredFrom(from)
	for {
		var page []listed
		before := b.refusing() // before it is read: what is refused now may be in the file then
		err := ctx.Err()
		if err == nil {
			err = b.viewTables(func(t tables) error {
				page, from = read(&t, from)
				return nil
			})
		}
		if err != nil {
			yield(Info{}, err)
			return
		}
		for _, l := range page {
			if !ahead.before(&l.id, yield) {
				return
			}
			if ahead.has(l.id) {
				continue // it comes next, as it is in memory
			}
			if l.err != nil {
				b.endDamaged(ctx, l.id, l.err)
			} else if info, ok := b.info(l, before); ok && !yield(info, nil) {
				return
			}
		}
		if from == nil {
			ahead.before(nil, yield)
			return
		}
	}
}

// info returns what a listing tells of a session; ok is false for none.
func (b *BoltStore) info(l listed, before refusing) (info Info, ok bool) {
	touch, refused := b.mem.known(l.id)
	meta := touch.over(l.meta.Meta)
	if refused || meta.Expired(time.Now()) || before.has(l.id, meta.User) {
		return Info{}, false
	}
	return Info{ID: l.id, Meta: meta, Components: l.counts}, true
}

// page reads sessions from a key of the global bucket on, and returns the key to go on from.
func (t *tables) page(from []byte) (page []listed, next []byte) {
	c := t.global.Cursor()
	k, v := c.Seek(from)
	for k != nil && len(page) < listPage {
		if !isMetaKey(k) {
			k, v = c.Next()
			continue
		}
		id, raw := ID(k), rawSession{meta: v}
		if k, v = c.Next(); raw.follow(id, k, v) {
			k, v = c.Next()
		}
		page = append(page, t.describe(id, raw))
	}
	return page, bytes.Clone(k)
}

// userPage reads sessions of a user from a key of the index on.
func (t *tables) userPage(user string, from []byte) (page []listed, next []byte) {
	prefix := userPrefix(user)
	if from == nil {
		from = prefix
	}
	c := t.users.Cursor()
	k, _ := c.Seek(from)
	for ; bytes.HasPrefix(k, prefix) && len(page) < listPage; k, _ = c.Next() {
		if len(k) != len(prefix)+len(ID{}) {
			continue
		}
		id := ID(k[len(prefix):])
		if raw := findRaw(t.global, id); raw.meta != nil {
			page = append(page, t.describe(id, raw))
		}
	}
	if !bytes.HasPrefix(k, prefix) {
		return page, nil
	}
	return page, bytes.Clone(k)
}

// describe reads what a listing tells of a session.
func (t *tables) describe(id ID, raw rawSession) (l listed) {
	l.id = id
	if l.meta, l.err = parseMeta(id, raw.meta); l.err != nil {
		return l
	}
	l.counts = make(map[string]int, 1+len(l.meta.names))
	if raw.data != nil || l.meta.global {
		l.count(t.keys, "", raw.data)
	}
	for _, name := range l.meta.names {
		if b := t.component(name); b != nil {
			l.count(t.keys, name, b.Get(dataKey(name, id)))
		}
	}
	return l
}

// count notes how many keys a component has, as far as can be told.
func (l *listed) count(keys *record.Keys, name string, sealed []byte) {
	values, err := parseValues(keys, name, l.id, sealed)
	switch {
	case err == nil:
		l.counts[name] = values.Len()
	case errors.Is(err, ErrEncrypted):
		l.counts[name] = -1
	default:
		l.err = err
	}
}
