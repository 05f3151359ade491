package session

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// modelStore is what a store should have, with an expired session for as long as it is not reaped.
type modelStore map[ID]modelSession

type modelSession struct {
	Meta
	values map[string]map[string]string
}

func (m modelStore) alive(id ID, at time.Time) bool {
	s, ok := m[id]
	return ok && !s.Expired(at)
}

func (m modelStore) apply(o op) error {
	switch o.kind {
	case opSave, opRenew:
		return m.save(o)
	case opDestroy:
		delete(m, o.id)
	case opClear:
		clear(m)
	case opDestroyUser:
		for id, s := range m {
			if s.User == o.user && !slices.Contains(o.except, id) {
				delete(m, id)
			}
		}
	case opTouch:
		if s := m[o.id]; m.alive(o.id, o.at) && o.at.After(s.LastAccess) {
			s.LastAccess = o.at
			m[o.id] = s
		}
	case opReap:
		for _, it := range o.items {
			if !m.alive(it.id, o.at) {
				delete(m, it.id)
			}
		}
	}
	return nil
}

func (m modelStore) save(o op) error {
	switch {
	case o.rev.isNew && m.alive(o.id, o.at):
		return ErrExists
	case !o.rev.isNew && !m.alive(o.id, o.at):
		return ErrNotFound
	case o.kind == opRenew && (o.id == o.to || m.alive(o.to, o.at)):
		return ErrExists
	}
	s := modelSession{values: map[string]map[string]string{}}
	if o.rev.isNew {
		s.Meta = *o.rev.meta
	} else {
		for name, values := range m[o.id].values {
			s.values[name] = maps.Clone(values)
		}
		s.Meta = mergeMeta(m[o.id].Meta, o.rev.meta)
	}
	for name, c := range o.rev.changes {
		if c.Clear || s.values[name] == nil {
			s.values[name] = map[string]string{}
		}
		for _, key := range c.Removed {
			delete(s.values[name], key)
		}
		for key, value := range c.Set {
			s.values[name][key] = string(value)
		}
	}
	if o.kind == opRenew {
		delete(m, o.id)
		o.id = o.to
	}
	m[o.id] = s
	return nil
}

// compare fails the test unless the file has what the model has, and nothing else.
func (m modelStore) compare(t *testing.T, db *bolt.DB, now time.Time) {
	t.Helper()
	db.View(func(tx *bolt.Tx) error {
		tab, err := openTables(tx)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range inconsistencies(tab) {
			if !bytes.Contains([]byte(problem), []byte("stale entry")) {
				t.Error(problem)
			}
		}
		if n := tab.global.Sequence(); n != uint64(len(m)) {
			t.Fatalf("the file has %d sessions, want %d", n, len(m))
		}
		for id, want := range m {
			m.compareOne(t, &tab, id, want)
		}
		return nil
	})
	if t.Failed() {
		t.FailNow()
	}
}

func (m modelStore) compareOne(t *testing.T, tab *tables, id ID, want modelSession) {
	t.Helper()
	got, err := tab.findWhole(id)
	if err != nil || got.storedMeta == nil {
		t.Fatalf("%s: %v, %v", id.Short(), got.storedMeta, err)
	}
	if !got.LastAccess.Equal(want.LastAccess) || got.MaxAge != want.MaxAge || got.User != want.User || !got.End.Equal(want.End) {
		t.Errorf("%s: metadata %+v, want %+v", id.Short(), got.Meta, want.Meta)
	}
	for _, name := range []string{"", "cart", "prefs"} {
		values, err := tab.read(id, got, name)
		if err != nil {
			t.Error(err)
		}
		have := map[string]string{}
		for key, value := range values.All() {
			have[key] = string(value)
		}
		if !maps.Equal(have, want.values[name]) {
			t.Errorf("%s %q: %v, want %v", id.Short(), name, have, want.values[name])
		}
	}
}
