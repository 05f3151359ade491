package session

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
)

// ended says whether an op's session has ended though its end is not in the file, nor, by an op
// before this one, in the transaction. was is what the transaction has of it.
func (a *applier) ended(o *op, was *storedMeta) bool {
	switch {
	case o.promised: // it was alive when this was accepted
		return false
	case a.refused(o.id) && !a.gone[o.id]:
		return true
	}
	return was != nil && !a.fresh[o.id] && a.owed.cover(o.id, was.User)
}

// note has the ops after o in the transaction know that it stored, or ended, a session.
func (a *applier) note(o *op, id ID) {
	switch {
	case o.ends() && a.refused(id):
		a.gone = noted(a.gone, id)
	case !o.ends() && !o.promised && len(a.owed) > 0:
		a.fresh = noted(a.fresh, id)
	}
}

func noted(set map[ID]bool, id ID) map[ID]bool {
	if set == nil {
		set = make(map[ID]bool)
	}
	set[id] = true
	return set
}

// destroy plans to end a session.
func (a *applier) destroy(o *op, out *outcome) error {
	a.note(o, o.id)
	was, err := a.find(o.id)
	switch {
	case errors.Is(err, errDamaged):
		a.removeDamaged(o.id)
	case err != nil:
		return err
	case was != nil:
		a.removeWhole(o.id, was)
	case o.pending == nil || !o.pending.isNew:
		return nil // there is nothing to end
	}
	if was == nil || !o.expired(was, o.touch) {
		out.count = 1
	}
	out.ended = []ending{{o.id, o.reason}}
	return nil
}

// destroyUser plans to end a user's sessions. The op's items are sessions that memory knows to
// be the user's.
func (a *applier) destroyUser(o *op, out *outcome) error {
	for _, it := range o.items {
		if err := a.destroyOf(o, it.id, it.pending, out); err != nil {
			return err
		}
	}
	c, prefix := a.users.Cursor(), userPrefix(o.user)
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		if len(k) != len(prefix)+len(ID{}) {
			continue
		}
		id := ID(k[len(prefix):])
		if _, known := o.leftover[id]; known || slices.Contains(o.except, id) || o.owed.spares(id) {
			continue
		}
		if err := a.destroyOf(o, id, nil, out); err != nil {
			return err
		}
	}
	return nil
}

// destroyOf plans to end one session of a user.
func (a *applier) destroyOf(o *op, id ID, pending *revision, out *outcome) error {
	one := outcome{}
	single := op{kind: opDestroy, id: id, at: o.at, reason: o.reason, touch: a.seen(id), pending: pending}
	if err := a.destroy(&single, &one); err != nil {
		return err
	}
	a.drop(a.users, userKey(o.user, id)) // also when it leads to nothing
	out.count += one.count
	out.ended = append(out.ended, one.ended...)
	return nil
}

// clear plans to end all sessions.
func (a *applier) clear(o *op, out *outcome) error {
	if o.owed.sparesAny() {
		return a.clearBut(o, out)
	}
	due, _ := a.filedBefore(o.at, nil, math.MaxInt)
	out.count = int(a.count) - countExpired(due, o.at, a.seen)
	if o.listed {
		c := a.global.Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if isMetaKey(k) {
				out.ended = append(out.ended, ending{ID(k), o.reason})
			}
		}
	}
	k, _ := a.expiry.Cursor().First()
	a.wipe = a.count > 0 || k != nil
	return nil
}

// clearBut plans to end all sessions but for those that came after a Clear that is owed.
func (a *applier) clearBut(o *op, out *outcome) error {
	c := a.global.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if !isMetaKey(k) || o.owed.spares(ID(k[:len(ID{})])) {
			continue
		}
		id := ID(k[:len(ID{})])
		one := outcome{}
		single := op{kind: opDestroy, id: id, at: o.at, reason: o.reason, touch: a.seen(id)}
		if err := a.destroy(&single, &one); err != nil {
			return err
		}
		out.count += one.count
		if o.listed {
			out.ended = append(out.ended, one.ended...)
		}
	}
	return nil
}

// wipeAll deletes all sessions, far faster than one by one.
func (a *applier) wipeAll() (err error) {
	tx := a.global.Tx()
	for _, name := range [][]byte{sessionsBucket, expiryBucket, usersBucket} {
		if err := tx.DeleteBucket(name); err != nil {
			return fmt.Errorf("clear sessions: %w", err)
		}
	}
	if err := createTables(tx); err != nil {
		return fmt.Errorf("clear sessions: %w", err)
	}
	a.wrote, a.refiled, a.count = true, true, 0
	keys := a.keys
	a.tables, err = openTables(tx)
	a.keys = keys
	return err
}
