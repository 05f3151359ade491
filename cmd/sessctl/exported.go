package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/boltsession/session/admin"
	"github.com/boltsession/session/internal/record"
)

// exported is a session as one line of an export; see docs/format.md.
type exported struct {
	ID          string                                `json:"id"`
	User        string                                `json:"user,omitempty"`
	Created     time.Time                             `json:"created"`
	LastAccess  time.Time                             `json:"last_access"`
	End         time.Time                             `json:"end"`
	MaxAge      string                                `json:"max_age"`
	Salt        []byte                                `json:"salt,omitempty"`
	Fingerprint []byte                                `json:"fingerprint,omitempty"`
	Components  map[string]map[string]json.RawMessage `json:"components"`
}

func newExported(s admin.Session) exported {
	e := exported{
		ID: s.ID, User: s.User, Created: s.Created.UTC(), LastAccess: s.LastAccess.UTC(), End: s.End.UTC(),
		MaxAge: s.MaxAge.String(), Salt: s.Salt, Fingerprint: s.Fingerprint,
		Components: map[string]map[string]json.RawMessage{},
	}
	for name, values := range s.Values {
		component := make(map[string]json.RawMessage, len(values))
		for key, data := range values {
			component[key] = record.ToJSON(data)
		}
		if len(component) > 0 {
			e.Components[name] = component
		}
	}
	return e
}

// parseExported returns the session that a line describes.
func parseExported(line []byte) (s admin.Session, err error) {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	var e exported
	if err := dec.Decode(&e); err != nil {
		return s, fmt.Errorf("not a session as sessctl export writes it: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return s, errors.New("more than one object in a line")
	}
	return e.session()
}

// session returns what the line describes.
func (e *exported) session() (s admin.Session, err error) {
	maxAge, err := time.ParseDuration(e.MaxAge)
	switch {
	case len(e.ID) != idDigits:
		return s, fmt.Errorf("its id has %d digits, not %d", len(e.ID), idDigits)
	case err != nil || maxAge <= 0:
		return s, errors.New("its max_age is no duration like 4h0m0s")
	case !e.timesFit():
		return s, errors.New("created, last_access or end is missing, or not between 1970 and 2262")
	}
	s = admin.Session{
		ID: e.ID, User: e.User, Created: e.Created.UTC(), LastAccess: e.LastAccess.UTC(), End: e.End.UTC(),
		MaxAge: maxAge, Salt: e.Salt, Fingerprint: e.Fingerprint,
		Components: map[string]int{}, Values: map[string]map[string][]byte{},
	}
	s.Expires = s.LastAccess.Add(maxAge)
	if s.Expires.After(s.End) {
		s.Expires = s.End
	}
	for name, values := range e.Components {
		s.Components[name] = len(values)
		s.Values[name] = make(map[string][]byte, len(values))
		for key, text := range values {
			if s.Values[name][key], err = record.FromJSON(text); err != nil {
				return s, fmt.Errorf("component %q, key %q: %w", name, key, err)
			}
		}
	}
	return s, nil
}

// timesFit says whether the times are such as a store can have.
func (e *exported) timesFit() bool {
	first, last := time.Unix(0, 0), time.Unix(0, math.MaxInt64)
	for _, t := range []time.Time{e.Created, e.LastAccess, e.End} {
		if t.Before(first) || t.After(last) {
			return false
		}
	}
	return true
}
