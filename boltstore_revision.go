package session

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/boltsession/session/internal/record"
)

// errDamaged: a record of the session fails its checksum or does not parse. It never leaves the
// store: the session is destroyed.
var errDamaged = errors.New("a record of the session is damaged")

// errMissing is errDamaged for a component that the metadata lists and that is not there.
var errMissing = fmt.Errorf("%w: a component is missing", errDamaged)

// storedMeta is a session's metadata record.
type storedMeta struct {
	Meta
	filed  int64    // its deadline in the expiry index, at or before the true one
	global bool     // the global component has values; false is also for what nobody knows of
	names  []string // the other components that have values, sorted
}

// parseMeta reads a metadata record. The result shares no memory with it.
func parseMeta(id ID, sealed []byte) (*storedMeta, error) {
	body, err := record.Unseal(globalBucket, metaKey(id), sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: metadata: %w", errDamaged, err)
	}
	m, err := record.ParseMeta(body)
	if err != nil {
		return nil, fmt.Errorf("%w: metadata: %w", errDamaged, err)
	}
	global, names := componentsOf(m.Components)
	return &storedMeta{
		Meta: Meta{
			Created: m.Created, LastAccess: m.LastAccess, End: m.End, MaxAge: m.MaxAge,
			User: m.User, Salt: m.Salt, Fingerprint: m.Fingerprint,
		},
		filed:  nanos(m.Filed),
		global: global,
		names:  names,
	}, nil
}

// componentsOf divides the components that metadata lists into the global one and the names of others.
func componentsOf(listed []string) (global bool, names []string) {
	if len(listed) > 0 && listed[0] == "" {
		return true, listed[1:]
	}
	return false, listed
}

// has says whether the metadata lists a component.
func (m *storedMeta) has(component string) bool {
	if component == "" {
		return m.global
	}
	_, listed := slices.BinarySearch(m.names, component)
	return listed
}

// seal appends the metadata record to dst.
func (m *storedMeta) seal(dst []byte, id ID) []byte {
	listed := m.names
	if m.global {
		listed = append(make([]string, 1, 1+len(listed)), listed...)
	}
	body := make([]byte, 0, 256) // on the stack, and enough for most
	body = record.AppendMeta(body, &record.Meta{
		Created: m.Created, LastAccess: m.LastAccess, End: m.End, MaxAge: m.MaxAge,
		User: m.User, Salt: m.Salt, Fingerprint: m.Fingerprint,
		Filed: time.Unix(0, m.filed), Components: listed,
	})
	return record.Seal(dst, globalBucket, metaKey(id), body)
}

// equal says whether both make the same record.
func (m *storedMeta) equal(n *storedMeta) bool {
	return m.filed == n.filed && m.LastAccess.Equal(n.LastAccess) && m.MaxAge == n.MaxAge &&
		m.User == n.User && bytes.Equal(m.Fingerprint, n.Fingerprint) && m.global == n.global && slices.Equal(m.names, n.names)
}

// parseValues reads a record of a component's values. The result may be part of it. The errors are
// errDamaged, and ErrEncrypted when none of the keys is the record's.
func parseValues(keys *record.Keys, component string, id ID, sealed []byte) (record.Map, error) {
	body, err := keys.Open(bucketName(component), dataKey(component, id), sealed)
	switch {
	case errors.Is(err, record.ErrKey):
		return nil, ErrEncrypted
	case err != nil:
		return nil, fmt.Errorf("%w: component: %w", errDamaged, err)
	}
	values, err := record.ParseMap(body)
	if err != nil {
		return nil, fmt.Errorf("%w: component: %w", errDamaged, err)
	}
	return values, nil
}

// sealValues returns the record of a component's values.
func sealValues(keys *record.Keys, component string, id ID, values record.Map) []byte {
	return keys.Seal(nil, bucketName(component), dataKey(component, id), values)
}

// revision is what a save makes of a session. It is absolute: made twice it is made once.
type revision struct {
	isNew   bool                        // the session is to be created, and must not exist
	meta    *Meta                       // nil: as it is
	bodies  []loadedComponent           // components that become exactly this
	changes map[string]ComponentChanges // components that are changed

	accepted time.Time // of what is pending: when it was, and the session alive
}

// apply returns what the revision makes of a session: its metadata, and the components that
// are another now, by name. base is what it was, nil for a new one; read returns what a
// component was. Nothing that came in is modified.
func (r *revision) apply(base *storedMeta, read func(component string) (record.Map, error), limit int) (*storedMeta, []loadedComponent, error) {
	next := storedMeta{}
	switch {
	case base != nil:
		next = *base
		next.Meta = mergeMeta(base.Meta, r.meta)
	case r.meta != nil:
		next.Meta = *r.meta
	default:
		return nil, nil, ErrNotFound
	}
	bodies := slices.Clone(r.bodies)
	for _, name := range slices.Sorted(maps.Keys(r.changes)) {
		was, err := read(name)
		if err != nil {
			return nil, nil, err
		}
		c := r.changes[name]
		merged := was.Merge(c.Clear, c.Set, c.Removed)
		if err := checkSize(len(merged), limit); err != nil {
			return nil, nil, err
		}
		bodies = append(bodies, loadedComponent{name, merged})
	}
	for _, c := range bodies {
		if c.name == "" {
			next.global = c.values.Len() > 0
		} else {
			next.names = named(next.names, c.name, c.values.Len() > 0)
		}
	}
	return &next, bodies, nil
}

// named returns names with name in its place, or without it. names is not modified.
func named(names []string, name string, in bool) []string {
	i, found := slices.BinarySearch(names, name)
	switch {
	case found == in:
		return names
	case in:
		return slices.Insert(slices.Clone(names), i, name)
	default:
		return slices.Delete(slices.Clone(names), i, i+1)
	}
}

// sameBirth says whether a new session of this metadata is the one that is stored: the same
// creation a second time, which the first may have been uncertain of, and no other session.
func (m *storedMeta) sameBirth(meta *Meta) bool {
	return meta != nil && len(meta.Salt) > 0 && string(m.Salt) == string(meta.Salt) && m.Created.Equal(meta.Created)
}
