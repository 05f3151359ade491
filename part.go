package session

import (
	"maps"
	"slices"

	"github.com/boltsession/session/internal/record"
)

// part is the content of one component in memory: what the store had, still encoded, and over
// it what was set or removed since. Its owner's mutex guards it.
type part struct {
	stored  record.Map
	baseGen uint64            // the generation at which stored was read
	changed map[string]change // over stored
	cleared uint64            // generation of a RemoveAll that is not stored; 0 for none
	size    int               // encoded bytes of what it holds now
}

// change is the last thing done to a key.
type change struct {
	value []byte // encoded; nil: removed
	gen   uint64
	dirty bool // not stored yet
}

// find returns the encoded value of key, nil for none, and the generation of its last change.
func (p *part) find(key string) ([]byte, uint64) {
	if c, ok := p.changed[key]; ok {
		return c.value, c.gen
	}
	value, _ := p.stored.Find(key)
	return value, p.baseGen
}

// put sets key to value, or removes it when value is nil.
func (p *part) put(key string, value []byte, gen uint64) {
	p.size += p.delta(key, value)
	if p.changed == nil {
		p.changed = make(map[string]change, 1)
	}
	p.changed[key] = change{value: value, gen: gen, dirty: true}
}

// delta returns by how many bytes the component grows if key is set to value.
func (p *part) delta(key string, value []byte) int {
	n := 0
	if value != nil {
		n = record.EntrySize(key, value)
	}
	if old, _ := p.find(key); old != nil {
		n -= record.EntrySize(key, old)
	}
	return n
}

// clear removes everything. What is stored but was never read goes too.
func (p *part) clear(gen uint64) {
	*p = part{baseGen: gen, cleared: gen}
}

// keys returns the keys that have a value, sorted.
func (p *part) keys() []string {
	keys := make([]string, 0, len(p.changed)+4)
	for key := range p.stored.All() {
		if _, ok := p.changed[key]; !ok {
			keys = append(keys, key)
		}
	}
	for key, c := range p.changed {
		if c.value != nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// dirty says whether anything is not stored.
func (p *part) dirty() bool {
	if p.cleared != 0 {
		return true
	}
	for _, c := range p.changed {
		if c.dirty {
			return true
		}
	}
	return false
}

// changes returns what is not stored.
func (p *part) changes() ComponentChanges {
	ch := ComponentChanges{Clear: p.cleared != 0}
	for key, c := range p.changed {
		switch {
		case !c.dirty:
		case c.value == nil:
			ch.Removed = append(ch.Removed, key)
		default:
			if ch.Set == nil {
				ch.Set = make(map[string][]byte, len(p.changed))
			}
			ch.Set[key] = c.value
		}
	}
	return ch
}

// saved makes clean what changed up to the generation seq.
func (p *part) saved(seq uint64) {
	if p.cleared <= seq {
		p.cleared = 0
	}
	for key, c := range p.changed {
		if !c.dirty || c.gen > seq {
			continue
		}
		c.dirty = false
		p.changed[key] = c
		if _, ok := p.stored.Find(key); !ok && c.value == nil {
			delete(p.changed, key) // it hides nothing, and a long-lived session would collect them
		}
	}
}

// rebase puts what was just read under the changes that are not stored yet.
func (p *part) rebase(stored record.Map, gen uint64) {
	for key, c := range p.changed {
		if !c.dirty {
			delete(p.changed, key)
		}
	}
	if p.cleared != 0 {
		stored = nil // it will go with the next save
	}
	p.stored, p.baseGen = stored, gen
	p.size = 0
	for key, value := range stored.All() {
		if _, ok := p.changed[key]; !ok {
			p.size += record.EntrySize(key, value)
		}
	}
	for key, c := range p.changed {
		if c.value != nil {
			p.size += record.EntrySize(key, c.value)
		}
	}
}

// clone returns a copy that shares the encoded values only.
func (p *part) clone() part {
	c := *p
	c.changed = maps.Clone(p.changed)
	return c
}
