package session_test

import (
	"bytes"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

// exported returns a session as it was stored, and ends it.
func exported(t *testing.T, store session.Store, b admin.Backend, token string) admin.Session {
	t.Helper()
	id := putSession(t, store, token, "ann").String()
	s, err := b.Get(t.Context(), id)
	must(t, err)
	_, err = b.Destroy(t.Context(), id)
	must(t, err)
	return s
}

func TestAdminImports(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		one, two := exported(t, store, b, "1"), exported(t, store, b, "2")
		two.Fingerprint = bytes.Repeat([]byte{5}, 32)
		if n, err := b.Import(t.Context(), false, one, two); n != 2 || err != nil {
			t.Fatalf("Import = %d, %v", n, err)
		}
		for _, want := range []admin.Session{one, two} {
			if got, err := b.Get(t.Context(), want.ID); !reflect.DeepEqual(got, want) || err != nil {
				t.Errorf("imported as %+v, %v, want %+v", got, err, want)
			}
		}
		s, err := store.Get(t.Context(), session.TokenID("1"), "cart")
		must(t, err)
		cart, err := s.Component(t.Context(), "cart")
		must(t, err)
		if n, _ := apples.Get(cart); n != 3 {
			t.Errorf("the app reads %d apples", n)
		}
	})
}

// TestAdminImportsOverSessions: one that is there stays, unless it is to be replaced: then whoever
// has it loses it.
func TestAdminImportsOverSessions(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		one, two := exported(t, store, b, "1"), exported(t, store, b, "2")
		_, err := b.Import(t.Context(), false, one)
		must(t, err)
		s := held(t, store, session.TokenID("1"))
		must(t, visits.Set(s, 100))
		must(t, s.Save(t.Context()))
		if n, err := b.Import(t.Context(), false, one, two); n != 1 || err != nil {
			t.Errorf("Import = %d, %v", n, err)
		}
		got, err := b.Get(t.Context(), one.ID)
		must(t, err)
		if string(got.Values[""]["visits"]) != "\x18\x64" {
			t.Errorf("the session that was there now has % x", got.Values[""]["visits"])
		}
		must(t, visits.Set(s, 101))
		if n, err := b.Import(t.Context(), true, one); n != 1 || err != nil {
			t.Errorf("replacing Import = %d, %v", n, err)
		}
		isDead(t, s)
		got, err = b.Get(t.Context(), one.ID)
		must(t, err)
		if string(got.Values[""]["visits"]) != "\x07" {
			t.Errorf("the replaced session has % x", got.Values[""]["visits"])
		}
	})
}

// TestAdminImportRefuses: of sessions with one bad among them none is stored, and the error does
// not repeat values.
func TestAdminImportRefuses(t *testing.T) {
	const value = "\x6etop-secret-data"
	long := strings.Repeat("x", 256)
	changes := map[string]func(*admin.Session){
		"ID":               func(s *admin.Session) { s.ID = "top-secret-data" },
		"no time":          func(s *admin.Session) { s.Created = time.Time{} },
		"accessed earlier": func(s *admin.Session) { s.LastAccess = s.Created.Add(-time.Second) },
		"ended earlier":    func(s *admin.Session) { s.End = s.Created.Add(-time.Second) },
		"from the future":  func(s *admin.Session) { s.LastAccess = time.Now().Add(2 * time.Hour) },
		"no end":           func(s *admin.Session) { s.End = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"max age":          func(s *admin.Session) { s.MaxAge = time.Millisecond },
		"user":             func(s *admin.Session) { s.User = "top-secret-data\x00" },
		"component":        func(s *admin.Session) { s.Values[long] = map[string][]byte{"k": []byte("\x07")} },
		"key":              func(s *admin.Session) { s.Values[""] = map[string][]byte{"": []byte("\x07")} },
		"no value":         func(s *admin.Session) { s.Values[""] = map[string][]byte{"k": nil} },
		"two values":       func(s *admin.Session) { s.Values[""] = map[string][]byte{"k": []byte("\x07\x07")} },
		"cut value":        func(s *admin.Session) { s.Values[""] = map[string][]byte{"k": []byte(value[:9])} },
		"shifted values": func(s *admin.Session) { // which only together look like a map
			s.Values[""] = map[string][]byte{"a": []byte("\x64"), "b": []byte("\x07\x61c\x07")}
		},
		"large value": func(s *admin.Session) {
			s.Values[""] = map[string][]byte{"k": append([]byte("\x7a\x00\x01\x00\x00"), make([]byte, 1<<16)...)}
		},
		"fingerprint":      func(s *admin.Session) { s.Fingerprint = []byte("top-secret-data") },
		"without its salt": func(s *admin.Session) { s.Fingerprint, s.Salt = make([]byte, 32), nil },
		"salt":             func(s *admin.Session) { s.Salt = make([]byte, 65) },
		"encrypted":        func(s *admin.Session) { s.Encrypted = []string{"cart"} },
	}
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		good, bad := exported(t, store, b, "1"), exported(t, store, b, "2")
		for name, change := range changes {
			s := bad
			s.Values = maps.Clone(s.Values)
			change(&s)
			n, err := b.Import(t.Context(), false, good, s)
			wantErr(t, name, err, admin.ErrInvalid)
			if n != 0 || err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: Import = %d, %v", name, n, err)
			}
		}
		_, err := b.Import(t.Context(), true, good, good)
		wantErr(t, "the same twice", err, admin.ErrInvalid)
		if n, err := b.Length(t.Context()); n != 0 || err != nil {
			t.Errorf("%d sessions were stored, %v", n, err)
		}
	})
}

// TestAdminImportLeavesOut expired sessions, and makes what a session needs.
func TestAdminImportLeavesOut(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		now := time.Now()
		expired := admin.Session{
			ID: session.TokenID("1").String(), Created: now.Add(-time.Hour), LastAccess: now.Add(-time.Hour), End: now, MaxAge: time.Minute,
		}
		plain := expired
		plain.ID, plain.End, plain.MaxAge = session.TokenID("2").String(), now.Add(time.Hour), 90*time.Minute
		if n, err := b.Import(t.Context(), true, expired, plain); n != 1 || err != nil {
			t.Errorf("Import = %d, %v", n, err)
		}
		got, err := b.Get(t.Context(), plain.ID)
		must(t, err)
		if len(got.Salt) != 16 || len(got.Values) != 0 {
			t.Errorf("imported as %+v", got)
		}
		_, err = b.Get(t.Context(), expired.ID)
		wantErr(t, "the expired one", err, admin.ErrNotFound)
	})
}

// TestAdminImportsMany takes several requests over a socket.
func TestAdminImportsMany(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		one := exported(t, store, b, "1")
		one.Values = map[string]map[string][]byte{"": {"k": append([]byte("\x59\x80\x00"), make([]byte, 1<<15)...)}}
		many := make([]admin.Session, 100)
		ids := make([]string, 5000)
		for i := range ids {
			ids[i] = session.TokenID(strings.Repeat("x", i)).String()
			if i < len(many) {
				many[i] = one
				many[i].ID = ids[i]
			}
		}
		if n, err := b.Import(t.Context(), false, many...); n != len(many) || err != nil {
			t.Errorf("Import = %d, %v", n, err)
		}
		if n, err := b.Destroy(t.Context(), ids...); n != len(many) || err != nil {
			t.Errorf("Destroy = %d, %v", n, err)
		}
	})
}
