package statemachine

import (
	"maps"
	"slices"
	"time"

	"github.com/boltsession/session"
)

// part is a component as a handle has it: what was read, and over it what was set since.
type part struct {
	read    values
	changed map[string]change
	cleared bool // a RemoveAll is not stored yet
}

type change struct {
	value   string
	removed bool
	dirty   bool
}

// over returns what the dirty changes make of values.
func (p *part) over(was values) values {
	next := values{}
	if !p.cleared {
		maps.Copy(next, was)
	}
	for key, c := range p.changed {
		switch {
		case !c.dirty:
		case c.removed:
			delete(next, key)
		default:
			next[key] = c.value
		}
	}
	return next
}

// shown returns what the handle shows.
func (p *part) shown() values {
	next := maps.Clone(p.read)
	if next == nil {
		next = values{}
	}
	for key, c := range p.changed {
		if delete(next, key); !c.removed {
			next[key] = c.value
		}
	}
	return next
}

func (p *part) dirty() bool {
	for _, c := range p.changed {
		if c.dirty {
			return true
		}
	}
	return p.cleared
}

func (p *part) put(key string, c change) {
	if p.changed == nil {
		p.changed = map[string]change{}
	}
	p.changed[key] = c
}

// saved makes all changes clean.
func (p *part) saved() {
	p.cleared = false
	for key, c := range p.changed {
		c.dirty = false
		p.changed[key] = c
	}
}

// reread puts what was just read under the dirty changes.
func (p *part) reread(read values) {
	maps.DeleteFunc(p.changed, func(_ string, c change) bool { return !c.dirty })
	if p.read = read; p.cleared {
		p.read = nil
	}
}

// live is the state behind a handle, or behind all handles that a ProxyStore gave for an ID.
type live struct {
	id       session.ID
	attached bool // to a ProxyStore
	holders  int
	dead     bool // the next Acquire starts afresh

	meta      session.Meta
	metaDirty bool
	isNew     bool
	keep      bool // to be stored even when empty
	ended     bool
	parts     map[string]*part // that were read or used
	names     []string         // of components that the store had, but for the global one
}

// changes are what a handle has to store.
type changes struct {
	isNew bool
	meta  *session.Meta
	parts map[string]*part
}

func newLive(id session.ID, meta session.Meta) *live {
	return &live{id: id, meta: meta, isNew: true, parts: map[string]*part{"": {}}}
}

// loaded returns the state of a handle on what is stored, with some components.
func loaded(id session.ID, v version, names ...string) *live {
	l := newLive(id, v.meta)
	l.isNew, l.names = false, v.names()
	for _, name := range append(names, "") {
		l.parts[name] = &part{read: v.comps[name]}
	}
	return l
}

// part returns a component, an empty one at first.
func (l *live) part(name string) *part {
	if l.parts[name] == nil {
		l.parts[name] = &part{}
	}
	return l.parts[name]
}

// has says whether a component need not be read.
func (l *live) has(name string) bool {
	_, read := l.parts[name]
	return read || l.isNew || l.attached && !slices.Contains(l.names, name)
}

func (l *live) dirty() bool {
	for _, p := range l.parts {
		if p.dirty() {
			return true
		}
	}
	return l.metaDirty || l.keep && l.isNew
}

// worth says whether a request's new session is worth storing.
func (l *live) worth() bool {
	for _, p := range l.parts {
		if len(p.shown()) > 0 {
			return true
		}
	}
	return l.keep || l.meta.User != ""
}

func (l *live) changes() changes {
	ch := changes{isNew: l.isNew, parts: map[string]*part{}}
	if l.isNew || l.metaDirty {
		meta := l.meta
		ch.meta = &meta
	}
	for name, p := range l.parts {
		if p.dirty() {
			ch.parts[name] = p
		}
	}
	return ch
}

func (l *live) saved() {
	l.isNew, l.metaDirty = false, false
	for _, p := range l.parts {
		p.saved()
	}
}

// concluded draws the conclusions from a save's outcome and returns it.
func (l *live) concluded(err error) error {
	switch err {
	case nil:
		l.saved()
	case session.ErrNotFound:
		l.ended = true
	}
	return err
}

// componentNames returns the names of the components that hold anything, as the handle sees it.
func (l *live) componentNames() (names []string) {
	for _, name := range l.names {
		if _, read := l.parts[name]; !read {
			names = append(names, name)
		}
	}
	for name, p := range l.parts {
		if name != "" && len(p.shown()) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// writable says why a handle cannot write to the state.
func (l *live) writable() error {
	if l.attached && l.meta.Expired(time.Now()) {
		l.ended = true
	}
	if l.ended {
		return session.ErrNotFound
	}
	return nil
}

// copyTo returns the state of a renewed session: all of it, and clean.
func (l *live) copyTo(id session.ID) *live {
	to := &live{id: id, attached: true, holders: 1, meta: l.meta, names: l.names, parts: map[string]*part{}}
	for name, p := range l.parts {
		to.parts[name] = &part{read: p.read, changed: maps.Clone(p.changed)}
		to.parts[name].saved()
	}
	return to
}
