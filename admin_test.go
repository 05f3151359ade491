package session_test

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

func TestAdminLists(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		ann, bob := putSession(t, store, "1", "ann"), putSession(t, store, "2", "bob")
		none := putSession(t, store, "3", "")
		if n, err := b.Length(t.Context()); n != 3 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
		for _, tc := range []struct {
			name string
			f    admin.Filter
			want []session.ID
		}{
			{"all", admin.Filter{}, []session.ID{ann, bob, none}},
			{"user", admin.Filter{User: "ann"}, []session.ID{ann}},
			{"unknown user", admin.Filter{User: "a&user=bob"}, nil},
			{"component", admin.Filter{Component: "cart"}, []session.ID{ann, bob}},
			{"both", admin.Filter{User: "bob", Component: "cart"}, []session.ID{bob}},
			{"neither", admin.Filter{User: "bob", Component: "no"}, nil},
			{"just used", admin.Filter{Older: time.Hour}, nil},
			{"any time ago", admin.Filter{Older: time.Nanosecond}, []session.ID{ann, bob, none}},
		} {
			got, err := listed(t.Context(), b, tc.f)
			if len(got) != len(tc.want) || err != nil {
				t.Errorf("%s: %d sessions, %v", tc.name, len(got), err)
			}
			for _, id := range tc.want {
				if _, ok := got[id.String()]; !ok {
					t.Errorf("%s: %s is missing", tc.name, id)
				}
			}
		}
		got, _ := listed(t.Context(), b, admin.Filter{User: "ann"})
		s := got[ann.String()]
		if s.User != "ann" || s.Components["cart"] != 1 || s.Components[""] != 1 || s.MaxAge != session.DefaultMaxAge ||
			!s.Expires.Equal(s.LastAccess.Add(s.MaxAge)) || s.Created.IsZero() || s.End.Before(s.Expires) || s.Values != nil {
			t.Errorf("listed as %+v", s)
		}
		for range b.List(t.Context(), admin.Filter{}) {
			break // whoever has seen enough may stop
		}
		_, err := listed(t.Context(), b, admin.Filter{Older: -1})
		wantErr(t, "negative age", err, admin.ErrInvalid)
	})
}

func TestAdminGets(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		id := putSession(t, store, "1", "ann")
		s, err := b.Get(t.Context(), strings.ToUpper(id.String()))
		must(t, err)
		if s.ID != id.String() || s.User != "ann" || len(s.Salt) == 0 || s.Components["cart"] != 1 {
			t.Errorf("got %+v", s)
		}
		if got := s.Values[""]["visits"]; len(s.Values) != 2 || string(got) != "\x07" || string(s.Values["cart"]["apples"]) != "\x03" {
			t.Errorf("values %q", s.Values)
		}
		_, err = b.Get(t.Context(), session.TokenID("no").String())
		wantErr(t, "absent", err, admin.ErrNotFound)
		for _, id := range []string{"", "..", "/", "no-id", "zz" + id.String()[2:], "Rk1yS2hqd0NuM0U2bVQ5eHpQdkxhUWJZZ0R1SXNXVG"} {
			_, err := b.Get(t.Context(), id)
			wantErr(t, "malformed", err, admin.ErrInvalid)
			if len(id) > 4 && strings.Contains(err.Error(), id) {
				t.Errorf("the error repeats what was given: %v", err)
			}
		}
	})
}

func TestAdminFinds(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		var ids []string
		for _, token := range strings.Split("abcdefghijklmnopqrstuvwxyz", "") {
			ids = append(ids, putSession(t, store, token, "").String())
		}
		slices.Sort(ids)
		for _, prefix := range []string{"", ids[9][:1], ids[9][:2], strings.ToUpper(ids[9][:3]), ids[9], "0000000"} {
			var want []string
			for _, id := range ids {
				if strings.HasPrefix(id, strings.ToLower(prefix)) {
					want = append(want, id)
				}
			}
			for _, limit := range []int{1, 5, 1000} {
				got, err := b.Find(t.Context(), prefix, limit)
				if !slices.Equal(got, want[:min(limit, len(want))]) || err != nil {
					t.Errorf("%q, up to %d: %q, %v; want of %q", prefix, limit, got, err, want)
				}
			}
		}
		for prefix, limit := range map[string]int{"x": 1, "a": 0, "b": -1, ids[0] + "0": 1} {
			_, err := b.Find(t.Context(), prefix, limit)
			wantErr(t, prefix, err, admin.ErrInvalid)
		}
	})
}

func TestAdminEnds(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		one, two := putSession(t, store, "1", "ann"), putSession(t, store, "2", "ann")
		three, four := putSession(t, store, "3", "bob"), putSession(t, store, "4", "")
		live := map[session.ID]*session.Session{}
		for _, id := range []session.ID{one, two, three, four} {
			live[id] = held(t, store, id)
		}
		_, err := b.Destroy(t.Context(), four.String(), "no-id")
		wantErr(t, "Destroy with a bad ID", err, admin.ErrInvalid)
		n, err := b.Destroy(t.Context(), one.String(), session.TokenID("no").String())
		if n != 1 || err != nil {
			t.Errorf("Destroy = %d, %v", n, err)
		}
		isDead(t, live[one])
		must(t, visits.Set(live[four], 8))

		_, err = b.DestroyUser(t.Context(), "")
		wantErr(t, "DestroyUser of nobody", err, admin.ErrInvalid)
		if n, err := b.DestroyUser(t.Context(), "ann"); n != 1 || err != nil {
			t.Errorf("DestroyUser = %d, %v", n, err)
		}
		isDead(t, live[two])
		must(t, visits.Set(live[three], 8))

		if n, err := b.Clear(t.Context()); n != 2 || err != nil {
			t.Errorf("Clear = %d, %v", n, err)
		}
		isDead(t, live[three])
		isDead(t, live[four])
		if n, err := b.Length(t.Context()); n != 0 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
		if n, err := b.Destroy(t.Context()); n != 0 || err != nil {
			t.Errorf("Destroy of nothing = %d, %v", n, err)
		}
	})
}

func TestAdminReaps(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		putSession(t, store, "1", "")
		ago := time.Now().Add(-time.Hour)
		must(t, store.Save(t.Context(), session.NewSession(store, session.TokenID("2"), session.Meta{
			Created: ago, LastAccess: ago, End: ago.Add(time.Minute), MaxAge: time.Minute, Salt: make([]byte, 16),
		})))
		if n, err := b.Reap(t.Context()); n != 1 || err != nil {
			t.Errorf("Reap = %d, %v", n, err)
		}
		if n, err := b.Reap(t.Context()); n != 0 || err != nil {
			t.Errorf("the second Reap = %d, %v", n, err)
		}
	})
}

func TestAdminBacksUpAndCompacts(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		putSession(t, store, "1", "")
		path := filepath.Join(t.TempDir(), "copy.db")
		if _, ok := store.(*session.BoltStore); !ok {
			wantErr(t, "Backup", b.Backup(t.Context(), path), errors.ErrUnsupported)
			_, err := b.Compact(t.Context())
			wantErr(t, "Compact", err, errors.ErrUnsupported)
			return
		}
		must(t, b.Backup(t.Context(), path))
		again := openBolt(t, path, &session.BoltOptions{ReadOnly: true})
		if n, err := again.Length(t.Context()); n != 1 || err != nil {
			t.Errorf("the backup has %d sessions, %v", n, err)
		}
		wantErr(t, "a second Backup", b.Backup(t.Context(), path), fs.ErrExist)
		wantErr(t, "Backup into nowhere", b.Backup(t.Context(), filepath.Join(path+"-no", "copy.db")), fs.ErrNotExist)
		wantErr(t, "Backup to a relative path", b.Backup(t.Context(), "copy.db"), admin.ErrInvalid)
		wantErr(t, "Backup with a NUL", b.Backup(t.Context(), path+"\x00"), admin.ErrInvalid)
		if c, err := b.Compact(t.Context()); c.After <= 0 || c.Before < c.After || err != nil {
			t.Errorf("Compact = %+v, %v", c, err)
		}
	})
}

func TestAdminStats(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		id := putSession(t, store, "1", "")
		putSession(t, store, "2", "")
		s := held(t, store, id)
		must(t, visits.Set(s, 8))
		must(t, s.Save(t.Context()))
		_, err := b.Destroy(t.Context(), session.TokenID("2").String())
		must(t, err)
		_, err = b.Reap(t.Context())
		must(t, err)
		stats, err := b.Stats(t.Context())
		must(t, err)
		if stats.Sessions != 1 || stats.LiveSessions != 1 {
			t.Errorf("%+v", stats)
		}
		_, remote := b.(*admin.Client)
		if stats.Live != remote || strings.HasPrefix(stats.Process, "pid ") != remote {
			t.Errorf("Live %v, process %q", stats.Live, stats.Process)
		}
		bolt, ok := store.(*session.BoltStore)
		if !ok {
			return
		}
		if stats.Created != 2 || stats.Saves != 3 || stats.Ended != 1 || stats.Opened.IsZero() || stats.LastReap.IsZero() ||
			!filepath.IsAbs(stats.Path) || stats.FileBytes == 0 || stats.MaxBytes == 0 || stats.Format == 0 || stats.LastReapErr != "" {
			t.Errorf("%+v", stats)
		}
		if own := bolt.Stats(); own.Created != 2 || own.LiveSessions != 1 {
			t.Errorf("%+v", own)
		}
	})
}

// TestAdminStatsOfEnds counts each way that sessions end, once.
func TestAdminStatsOfEnds(t *testing.T) {
	store := adminStores["bolt"](t).(*session.BoltStore)
	for _, token := range []string{"1", "2", "3", "4"} {
		putSession(t, store, token, "u"+token)
	}
	must(t, store.Destroy(t.Context(), session.TokenID("1")))
	must(t, store.Destroy(t.Context(), session.TokenID("1")))
	_, err := store.DestroyUser(t.Context(), "u2")
	must(t, err)
	s, err := store.Get(t.Context(), session.TokenID("3"))
	must(t, err)
	must(t, store.Renew(t.Context(), s, session.TokenID("5")))
	if n := store.Stats().Ended; n != 2 {
		t.Errorf("%d ended before Clear", n)
	}
	_, err = store.Clear(t.Context())
	must(t, err)
	if s := store.Stats(); s.Ended != 4 || s.Created != 4 {
		t.Errorf("%d created and %d ended", s.Created, s.Ended)
	}
}

// TestAdminHonoursContext: what is not wanted any more is not begun.
func TestAdminHonoursContext(t *testing.T) {
	eachBackend(t, func(t *testing.T, store session.Store, b admin.Backend) {
		id := putSession(t, store, "1", "ann")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for name, err := range everyCall(ctx, b, id.String()) {
			wantErr(t, name, err, context.Canceled)
		}
		if n, err := b.Length(t.Context()); n != 1 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
	})
}

// everyCall calls every method and returns the errors.
func everyCall(ctx context.Context, b admin.Backend, id string) map[string]error {
	errs := map[string]error{}
	_, errs["Stats"] = b.Stats(ctx)
	_, errs["Length"] = b.Length(ctx)
	_, errs["List"] = listed(ctx, b, admin.Filter{})
	_, errs["Get"] = b.Get(ctx, id)
	_, errs["Find"] = b.Find(ctx, "", 1)
	_, errs["Destroy"] = b.Destroy(ctx, id)
	_, errs["DestroyUser"] = b.DestroyUser(ctx, "ann")
	_, errs["Clear"] = b.Clear(ctx)
	_, errs["Reap"] = b.Reap(ctx)
	_, errs["Import"] = b.Import(ctx, false, admin.Session{
		ID: id, Created: time.Now(), LastAccess: time.Now(), End: time.Now().Add(time.Hour), MaxAge: time.Hour,
	})
	return errs
}
