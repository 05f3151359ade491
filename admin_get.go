package session

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/boltsession/session/admin"
)

// Get is admin.Backend's.
func (a *adminBackend) Get(ctx context.Context, id string) (admin.Session, error) {
	parsed, err := adminID(id)
	if err != nil {
		return admin.Session{}, err
	}
	l, err := a.whole(ctx, parsed)
	switch {
	case errors.Is(err, ErrNotFound):
		return admin.Session{}, admin.ErrNotFound
	case err != nil:
		return a.partly(ctx, parsed, err)
	}
	s := describe(parsed, l.meta, make(map[string]int))
	addPrivate(&s, l.meta)
	addValues(&s, l)
	return s, nil
}

// whole returns a copy of a session with all its components. One that comes while they are read
// makes for another try.
func (a *adminBackend) whole(ctx context.Context, id ID) (*live, error) {
	var names []string
	for {
		s, err := a.proxy.Get(ctx, id, names...)
		if err != nil {
			return nil, err
		}
		known := names
		names = s.Components()
		if !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(known, name) }) {
			return s.state.Load(), nil
		}
	}
}

// partly returns what can be told of a session that Get gives err for: the listing knows which of
// its components are encrypted, without a key that fits. If none is, err is something else.
func (a *adminBackend) partly(ctx context.Context, id ID, err error) (admin.Session, error) {
	infos, _, listErr := a.beginningWith(ctx, id.String())
	if listErr != nil {
		return admin.Session{}, err
	}
	for info, listErr := range infos {
		if listErr != nil {
			break
		}
		s := describe(id, info.Meta, info.Components)
		addPrivate(&s, info.Meta)
		var plain []string
		for name, n := range info.Components {
			if n < 0 {
				s.Encrypted = append(s.Encrypted, name)
			} else {
				plain = append(plain, name)
			}
		}
		if len(s.Encrypted) == 0 {
			break
		}
		slices.Sort(s.Encrypted)
		if some, err := a.proxy.Get(ctx, id, plain...); err == nil {
			addValues(&s, some.state.Load())
		}
		return s, nil
	}
	return admin.Session{}, err
}

// addPrivate adds what listings do not tell.
func addPrivate(s *admin.Session, m Meta) {
	s.Salt, s.Fingerprint = bytes.Clone(m.Salt), bytes.Clone(m.Fingerprint)
}

// addValues adds the values of a copy that nobody else has.
func addValues(s *admin.Session, l *live) {
	l.eachLocked(func(name string, p *part) {
		values := make(map[string][]byte)
		for _, key := range p.keys() {
			value, _ := p.find(key)
			values[key] = bytes.Clone(value)
		}
		if len(values) == 0 {
			return
		}
		if s.Values == nil {
			s.Values = make(map[string]map[string][]byte)
		}
		s.Values[name], s.Components[name] = values, len(values)
	})
}
