package session

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/boltsession/session/internal/record"
)

// RekeyReport is what [BoltStore.Rekey] tells. The counts are of records: each component of a
// session has one.
type RekeyReport struct {
	Records   int `json:"records"`   // there were, expired sessions' included
	Rewritten int `json:"rewritten"` // now encrypted with the first key, and were not
	Locked    int `json:"locked"`    // encrypted with a key that was not given, and left as they are
	Damaged   int `json:"damaged"`   // cannot be right; their sessions were ended
}

// errNoKeys is what Rekey returns without keys.
var errNoKeys = fmt.Errorf("session: Rekey: the store was opened without Keys: %w; give Open the new key and all that are in use (what is encrypted is not turned into clear)", errors.ErrUnsupported)

// Rekey has all values encrypted with the first of BoltOptions.Keys that are not: those under the
// other keys, and those in clear. Others read and write meanwhile. It works in the order of the
// IDs, in small transactions with pauses as long as they took, and may be interrupted at any
// time, also by a crash: the next call goes on with what is left. When it returns nil, the other
// keys are no longer needed, but for older copies of the file. What was overwritten stays in the
// file's free pages until [BoltStore.Compact].
//
// A record under a key that was not given is left as it is; the error is ErrEncrypted then,
// after all others were rewritten.
func (b *BoltStore) Rekey(ctx context.Context) (r RekeyReport, err error) {
	if err := cmp.Or(b.queue.refusal(), ctx.Err()); err != nil {
		return r, err
	}
	if b.opts.keys == nil {
		return r, errNoKeys
	}
	names, err := b.componentNames()
	if err != nil {
		return r, err
	}
	for _, name := range names {
		if err := b.rekeyComponent(ctx, name, &r); err != nil {
			return r, err
		}
	}
	if r.Locked > 0 {
		return r, fmt.Errorf("rekey: %d of %d records were left: %w", r.Locked, r.Records, ErrEncrypted)
	}
	return r, nil
}

// componentNames returns the names of all components. Those that come later are written with the
// first key.
func (b *BoltStore) componentNames() (names []string, err error) {
	err = b.viewTables(func(t tables) error {
		return t.sessions.ForEachBucket(func(name []byte) error {
			if bytes.Equal(name, globalBucket) {
				name = nil
			}
			names = append(names, string(name))
			return nil
		})
	})
	return names, err
}

// rekeyComponent rewrites the records of one component, a page at a time.
func (b *BoltStore) rekeyComponent(ctx context.Context, name string, r *RekeyReport) error {
	for from, first := []byte(nil), true; first || from != nil; first = false {
		if err := ctx.Err(); err != nil {
			return err
		}
		var page coverPage
		err := b.viewTables(func(t tables) error {
			page = t.covers(name, from)
			return nil
		})
		if err != nil {
			return err
		}
		from = page.next
		err = b.rekeyItems(ctx, name, page.old, &r.Rewritten)
		r.Records += page.records
		r.Locked += page.locked
		if err != nil {
			return err
		}
		r.Damaged += b.endPage(ctx, page)
		b.stats.rekeyed.Add(uint64(page.records))
	}
	return nil
}

// rekeyItems encrypts records of a component, a few at a time, and counts them.
func (b *BoltStore) rekeyItems(ctx context.Context, component string, items []item, done *int) error {
	for chunk := range slices.Chunk(items, reapChunk) {
		o := &op{kind: opRekey, component: component, items: chunk}
		if err := b.doAndRest(ctx, o, func(out *outcome) { *done += out.count }); err != nil {
			return err
		}
	}
	return nil
}

// endPage ends the sessions of damaged records and returns how many there are.
func (b *BoltStore) endPage(ctx context.Context, page coverPage) (n int) {
	for _, it := range page.old {
		if it.forged {
			page.damaged = append(page.damaged, it.id)
		}
	}
	for _, id := range page.damaged {
		b.endDamaged(ctx, id, errDamaged)
	}
	return len(page.damaged)
}

// coverPage is how some of a component's records are protected.
type coverPage struct {
	records int
	locked  int
	old     []item // records to be rewritten
	damaged []ID
	next    []byte // the key to go on from, nil at the end
}

// covers looks at records of a component from a key on.
func (t *tables) covers(name string, from []byte) (page coverPage) {
	bucket := t.component(name)
	if bucket == nil {
		return page // cleared meanwhile
	}
	c := bucket.Cursor()
	k, v := c.Seek(from)
	for ; k != nil && page.records < listPage; k, v = c.Next() {
		if name == "" && isMetaKey(k) || len(k) < len(ID{}) {
			continue
		}
		page.records++
		switch cover, err := t.keys.Cover(bucketName(name), k, v); {
		case err != nil:
			page.damaged = append(page.damaged, ID(k))
		case cover == record.Foreign:
			page.locked++
		case cover != record.Current:
			page.old = append(page.old, item{id: ID(k)})
		}
	}
	page.next = bytes.Clone(k)
	return page
}

// rekey plans to write records anew, as they are now: what was saved meanwhile is under the first
// key already. It notes which of them cannot be right.
func (a *applier) rekey(o *op, out *outcome) error {
	bucket := a.component(o.component)
	if bucket == nil {
		return nil
	}
	for i := range o.items {
		it := &o.items[i]
		key := dataKey(o.component, it.id)
		sealed := bucket.Get(key)
		if cover, err := a.keys.Cover(bucketName(o.component), key, sealed); err != nil || cover == record.Current {
			continue
		}
		values, err := parseValues(a.keys, o.component, it.id, sealed)
		if it.forged = errors.Is(err, errDamaged); err != nil {
			continue
		}
		a.put(bucket, key, sealValues(a.keys, o.component, it.id, values))
		out.count++
	}
	return nil
}
