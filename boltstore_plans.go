package session

import (
	"errors"
	"slices"
	"time"

	"github.com/boltsession/session/internal/record"
)

// expired says whether a session is expired when an op judges it, its touches in memory counted.
// Those before a save that was accepted are in its metadata.
func (o *op) expired(m *storedMeta, touch touchMark) bool {
	if o.promised && !o.rev.isNew && o.rev.meta != nil && !o.rev.meta.Expired(o.at) {
		return false
	}
	return touch.over(m.Meta).Expired(o.at)
}

// save plans to store a revision.
func (a *applier) save(o *op) error {
	found, err := a.findWhole(o.id)
	was, damaged := found.storedMeta, errors.Is(err, errDamaged)
	if err != nil && !(damaged && o.rev.isNew) {
		return err
	}
	alive := was != nil && !o.expired(was, o.touch)
	if o.promised && o.rev.isNew { // what else is there had expired, by a save that is not in the file
		alive = was != nil && was.sameBirth(o.rev.meta)
	}
	switch {
	case a.ended(o, was):
		return ErrNotFound
	case alive && o.rev.isNew && !was.sameBirth(o.rev.meta):
		return ErrExists
	case !alive && !o.rev.isNew:
		return ErrNotFound
	case !alive && a.crowd && !o.promised:
		return errCrowded
	case !alive:
		a.replace(o.id, was, damaged)
		was, found = nil, foundSession{}
	}
	next, bodies, err := a.revise(o, found)
	if err != nil {
		return err
	}
	a.write(o.id, was, next, bodies)
	a.note(o, o.id)
	return nil
}

// revise returns what the op makes of the session that was found, if any was.
func (a *applier) revise(o *op, found foundSession) (*storedMeta, []loadedComponent, error) {
	was := found.storedMeta
	base := was
	if was != nil && !o.promised {
		touched := *was
		touched.Meta = o.touch.over(was.Meta)
		base = &touched
	}
	next, bodies, err := o.rev.apply(base, func(name string) (values record.Map, err error) {
		if was == nil {
			return nil, nil
		}
		return a.read(o.id, found, name)
	}, a.limit)
	if err == nil && o.promised {
		next.Meta = o.touch.over(next.Meta) // touched between its acceptance and this commit
	}
	return next, bodies, err
}

// replace plans to remove an expired or damaged session whose ID is to be another's.
func (a *applier) replace(id ID, was *storedMeta, damaged bool) {
	if damaged {
		a.removeDamaged(id)
	} else if was != nil {
		a.removeWhole(id, was)
	}
}

// removeWhole plans to delete all of a session.
func (a *applier) removeWhole(id ID, was *storedMeta) {
	a.remove(id, was)
	if was.User != "" {
		a.drop(a.users, userKey(was.User, id))
	}
	a.drop(a.expiry, expiryKey(was.filed, id))
}

// renew plans to store a revision and move the session to another ID.
func (a *applier) renew(o *op, out *outcome) error {
	found, err := a.findWhole(o.id)
	if err != nil {
		return err
	}
	was := found.storedMeta
	alive := was != nil && !o.expired(was, o.touch)
	switch {
	case a.ended(o, was):
		return ErrNotFound
	case !alive && !o.rev.isNew:
		return ErrNotFound
	case alive && o.rev.isNew && !was.sameBirth(o.rev.meta), o.id == o.to:
		return ErrExists
	case !alive && was != nil:
		a.removeWhole(o.id, was)
		was, found = nil, foundSession{}
	}
	if err := a.vacate(o.to, o.at); err != nil {
		return err
	}
	next, bodies, err := a.revise(o, found)
	if err != nil {
		return err
	}
	if was != nil {
		if bodies, err = a.unchanged(o.id, found, bodies); err != nil {
			return err
		}
		a.removeWhole(o.id, was)
		out.ended = []ending{{o.id, o.reason}}
	}
	a.write(o.to, nil, next, bodies)
	a.note(o, o.to)
	return nil
}

// vacate plans to make room for a session under id, or says ErrExists.
func (a *applier) vacate(id ID, at time.Time) error {
	there, err := a.find(id)
	damaged := errors.Is(err, errDamaged)
	switch {
	case err != nil && !damaged:
		return err
	case there != nil && !a.seen(id).over(there.Meta).Expired(at):
		return ErrExists
	}
	a.replace(id, there, damaged)
	return nil
}

// unchanged adds the components of a session that are not in bodies.
func (a *applier) unchanged(id ID, found foundSession, bodies []loadedComponent) ([]loadedComponent, error) {
	for _, name := range append([]string{""}, found.names...) {
		if slices.ContainsFunc(bodies, func(c loadedComponent) bool { return c.name == name }) {
			continue
		}
		values, err := a.read(id, found, name)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, loadedComponent{name, values})
	}
	return bodies, nil
}

// touch plans to store touches. They bring nothing back, and move only forward.
func (a *applier) touch(o *op) error {
	for _, it := range o.items {
		was, err := a.find(it.id)
		if was == nil || err != nil {
			continue // whoever reads it next sees that it is damaged
		}
		next := *was
		next.Meta = it.touch.over(was.Meta)
		a.write(it.id, was, &next, nil)
	}
	return nil
}
