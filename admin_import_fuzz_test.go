package session_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

// FuzzImport: whatever is sent to be imported, all of it is stored or, when some of it is wrong,
// nothing. What is stored is what was sent, and exported, imported and exported again it is the
// same.
func FuzzImport(f *testing.F) {
	id := strings.Repeat("ab", 32)
	line := `{"id":"` + id + `","user":"ann","created":"2026-01-02T03:04:05.000000006Z","last_access":"2026-01-02T03:04:06+01:00","end":"2200-01-01T00:00:00Z","max_age":9000000000000000000,` +
		`"values":{"":{"n":"AQ==","m":"oWFhgQE="},"cart":{"x":"9g=="},"none":{}},"salt":"c2FsdA==","components":{"":7}}`
	other := strings.Replace(line, id, strings.Repeat("CD", 32), 1)
	f.Add(`{"sessions":[` + line + `]}`)
	f.Add(`{"replace":true,"sessions":[` + line + `,` + other + `]}`)
	f.Add(`{"sessions":[` + line + `,` + line + `]}`)
	f.Add(`{"sessions":[` + strings.Replace(other, "AQ==", "/w==", 1) + `,` + line + `]}`)
	f.Add(`{"sessions":[` + strings.Replace(line, `"max_age":9000000000000000000`, `"max_age":1`, 1) + `]}`)
	f.Add(`{"sessions":[` + strings.Replace(line, `"salt"`, `"fingerprint":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","salt"`, 1) + `]}`)
	f.Add(`{"sessions":[` + strings.Replace(line, `ann`, `a\u0000`, 1) + `]}`)
	f.Add(`{"sessions":[` + strings.Replace(line, `2026-01-02T03:04:05`, `1026-01-02T03:04:05`, 1) + `]}`)
	f.Add(`{"sessions":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		first := newImporter(t)
		n, status := first.send(t, body)
		if status != http.StatusOK {
			if left := first.exported(t); len(left) > 0 {
				t.Errorf("status %d, and %d sessions were stored", status, len(left))
			}
			return
		}
		got := first.exported(t)
		if len(got) != n {
			t.Fatalf("%d sessions are stored, %d were reported", len(got), n)
		}
		sameAsSent(t, got, body)
		again, err := json.Marshal(map[string]any{"sessions": got})
		must(t, err)
		second := newImporter(t)
		if m, status := second.send(t, string(again)); m != n || status != http.StatusOK {
			t.Fatalf("what was exported is imported with status %d, %d of %d sessions", status, m, n)
		}
		if twice := second.exported(t); !reflect.DeepEqual(twice, got) {
			t.Errorf("exported as %+v, then as %+v", got, twice)
		}
	})
}

// importer is an empty store behind the admin protocol.
type importer struct {
	backend admin.Backend
	handler http.Handler
}

func newImporter(t *testing.T) importer {
	store := session.NewMemoryStore(&session.MemoryOptions{ReapInterval: -1})
	t.Cleanup(func() { must(t, store.Close()) })
	b := session.NewAdminBackend(store)
	return importer{b, admin.Handler(b)}
}

// send imports a body, and returns how many sessions that were and the status.
func (im importer) send(t *testing.T, body string) (n, status int) {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/import", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	im.handler.ServeHTTP(w, r)
	var answer struct{ Count int }
	must(t, json.Unmarshal(w.Body.Bytes(), &answer))
	return answer.Count, w.Code
}

// exported returns all sessions with their values, by ID.
func (im importer) exported(t *testing.T) (all []admin.Session) {
	t.Helper()
	ids, err := im.backend.Find(t.Context(), "", 1<<20)
	must(t, err)
	for _, id := range ids {
		s, err := im.backend.Get(t.Context(), id)
		must(t, err)
		all = append(all, s)
	}
	return all
}

// sameAsSent fails unless the sessions are those of a body that had not expired.
func sameAsSent(t *testing.T, got []admin.Session, body string) {
	t.Helper()
	var sent struct{ Sessions []admin.Session }
	must(t, json.Unmarshal([]byte(body), &sent))
	byID, alive := map[string]admin.Session{}, 0
	for _, s := range sent.Sessions {
		byID[strings.ToLower(s.ID)] = s
		m := session.Meta{LastAccess: s.LastAccess, End: s.End, MaxAge: s.MaxAge}
		if !m.Expired(time.Now()) {
			alive++
		}
	}
	if alive != len(got) {
		t.Errorf("%d sessions are stored of %d that had not expired", len(got), alive)
	}
	for _, s := range got {
		want := byID[s.ID]
		if s.User != want.User || s.MaxAge != want.MaxAge || !s.Created.Equal(want.Created) || !s.LastAccess.Equal(want.LastAccess) || !s.End.Equal(want.End) {
			t.Errorf("stored as %+v, want %+v", s, want)
		}
		if len(want.Salt) > 0 && !bytes.Equal(s.Salt, want.Salt) || !bytes.Equal(s.Fingerprint, want.Fingerprint) {
			t.Errorf("salt and fingerprint %x, %x, want %x, %x", s.Salt, s.Fingerprint, want.Salt, want.Fingerprint)
		}
		for name, values := range want.Values {
			if len(values) == 0 {
				delete(want.Values, name)
			}
		}
		if len(want.Values) != len(s.Values) || len(s.Values) > 0 && !reflect.DeepEqual(s.Values, want.Values) {
			t.Errorf("values %x, want %x", s.Values, want.Values)
		}
	}
}
