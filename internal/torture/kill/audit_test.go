//go:build linux

package kill

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/boltsession/session"
)

// TestLookFindsWhatIsTorn: a session is what one save made it, or it is torn.
func TestLookFindsWhatIsTorn(t *testing.T) {
	ctx := t.Context()
	will := entry{id: 2, a: 3, b: 4, alive: true}
	for name, tear := range map[string]func(*session.Session) error{
		"": func(*session.Session) error { return nil },
		"a value of another op": func(s *session.Session) error {
			return setGroup(ctx, s, groupA[2:], 2, false)
		},
		"a value is missing": func(s *session.Session) error {
			return setGroup(ctx, s, groupB[1:2], 4, true)
		},
		"a value is cut": func(s *session.Session) error {
			return s.Set("a1", valueOf("a1", 3)[:5])
		},
		"values under another ID": func(s *session.Session) error { return s.Set(originKey, 1) },
		"another max age":         func(s *session.Session) error { return s.SetMaxAge(ageOf(4)) },
		"another user":            func(s *session.Session) error { return s.SetUser(slotUser(2)) },
	} {
		t.Run(name, func(t *testing.T) {
			store := session.NewMemoryStore(nil)
			defer store.Close()
			s, err := store.Create(ctx, slotID(1, 2))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.SetUser(slotUser(1)), change(ctx, s, entry{}, will), tear(s), store.Save(ctx, s)); err != nil {
				t.Fatal(err)
			}
			got, err := look(ctx, store, 1, slotID(1, 2))
			if errors.Is(err, errTorn) != (name != "") || err == nil && got != will {
				t.Errorf("look = %v, %v", got, err)
			}
		})
	}
}

// found counts by kind what an audit finds.
type foundKinds map[string]int

func (f foundKinds) find(kind, _ string, _ ...any) { f[kind]++ }

// TestAuditFinds: an audit settles what was begun, and finds what is not as it was acknowledged.
func TestAuditFinds(t *testing.T) {
	one := entry{id: 1, a: 1, b: 1, alive: true}
	two := entry{id: 1, a: 2, b: 2, alive: true}
	for name, test := range map[string]struct {
		acknowledged []entry
		begun, has   *entry
		want         string
	}{
		"as acknowledged":    {[]entry{one, two}, nil, &two, ""},
		"begun and stored":   {[]entry{one}, &two, &two, ""},
		"begun only":         {[]entry{one}, &two, &one, ""},
		"missing":            {[]entry{one}, nil, nil, "lost"},
		"older":              {[]entry{one, two}, nil, &one, "lost"},
		"half of each":       {[]entry{one}, &two, &entry{id: 1, a: 2, b: 1, alive: true}, "torn"},
		"ended":              {[]entry{one, {id: 1}}, nil, nil, ""},
		"ended and back":     {[]entry{one, {id: 1}}, nil, &one, "revived"},
		"renewed and back":   {[]entry{one, {id: 2, a: 2, b: 1, alive: true}}, nil, &one, "lost"},
		"ended, unanswered":  {[]entry{one}, &entry{id: 1}, nil, ""},
		"created unanswered": {nil, &one, &one, ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, store := auditKit(t)
			slot := &l.slots[1]
			for _, e := range test.acknowledged {
				slot.begin(e)
				slot.done()
			}
			if test.begun != nil {
				slot.begin(*test.begun)
			}
			if test.has != nil {
				put(t, store, *test.has)
			}
			found := foundKinds{}
			if err := audit(t.Context(), store, l, found.find); err != nil {
				t.Fatal(err)
			}
			if found[test.want] == 0 && test.want != "" || len(found) > 0 && test.want == "" {
				t.Errorf("found %v, want %q", found, test.want)
			}
			if p := slot.promise(); test.want == "" && (p.busy || test.has != nil && p.was != *test.has) {
				t.Errorf("settled as %+v", p)
			}
		})
	}
}

func auditKit(t *testing.T) (*ledger, *session.BoltStore) {
	t.Helper()
	dir := t.TempDir()
	l, err := openLedger(filepath.Join(dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := session.Open(filepath.Join(dir, "sessions.db"), &session.BoltOptions{NoSocket: true, Reap: session.Never})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), l.close()); err != nil {
			t.Error(err)
		}
	})
	return l, store
}

// put stores a session as slot 1's entry says.
func put(t *testing.T, store session.Store, e entry) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Create(ctx, slotID(1, e.id))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SetUser(slotUser(1)), change(ctx, s, entry{}, e), store.Save(ctx, s)); err != nil {
		t.Fatal(err)
	}
}

// TestOutside: what a copy may have of a session that changed while it was made.
func TestOutside(t *testing.T) {
	none := entry{}
	at := func(id, a, b uint64) entry { return entry{id: id, a: a, b: b, alive: true} }
	for _, test := range []struct {
		seen, from, to entry
		want           string
	}{
		{none, none, none, ""},
		{at(5, 5, 5), at(5, 5, 5), at(5, 5, 5), ""},
		{at(5, 6, 5), at(5, 5, 5), at(5, 6, 6), ""},
		{at(8, 8, 8), at(5, 5, 5), at(9, 9, 9), ""},
		{none, at(5, 5, 5), entry{id: 5, a: 5, b: 5}, ""},    // ended meanwhile
		{none, at(5, 5, 5), at(9, 9, 9), ""},                 // ended, and another one
		{none, at(5, 5, 5), at(5, 9, 9), "lost"},             // there all the time
		{at(5, 4, 5), at(5, 5, 5), at(5, 9, 9), "lost"},      // a is older than acknowledged
		{at(5, 5, 5), at(5, 5, 6), at(5, 9, 9), "lost"},      // b is
		{at(5, 5, 0), at(5, 5, 5), at(5, 5, 8), ""},          // 7 removed b
		{at(5, 5, 0), at(5, 5, 5), at(5, 5, 6), "lost"},      // nobody did
		{at(5, 5, 0), at(5, 5, 7), at(5, 5, 7), ""},          // it was removed before
		{at(5, 5, 6), at(5, 5, 7), at(5, 5, 7), "lost"},      // and is back
		{at(4, 4, 4), at(5, 5, 5), at(5, 5, 5), "revived"},   // renewed away from
		{at(5, 5, 5), entry{id: 5}, entry{id: 5}, "revived"}, // ended before
		{at(5, 5, 5), entry{id: 5}, at(9, 9, 9), "revived"},  //
		{at(9, 9, 9), entry{id: 5}, at(9, 9, 9), ""},         // begun meanwhile
		{at(5, 10, 5), at(5, 5, 5), at(5, 9, 9), "torn"},     // never asked for
		{at(0, 2, 0), at(0, 1, 0), at(0, 3, 0), ""},          // the shared session
		{at(0, 1, 0), at(0, 2, 0), at(0, 3, 0), "lost"},      //
	} {
		if got := test.seen.outside(test.from, test.to); got != test.want {
			t.Errorf("from %v to %v, %v is %q, want %q", fmt.Sprint(test.from), test.to, test.seen, got, test.want)
		}
	}
}
