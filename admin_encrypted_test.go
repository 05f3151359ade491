package session_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

// TestAdminWithoutKey: a store whose values cannot be read is looked at and steered all the same.
func TestAdminWithoutKey(t *testing.T) {
	for _, over := range []string{"direct", "socket"} {
		path := filepath.Join(t.TempDir(), "sessions.db")
		opts := session.BoltOptions{Reap: session.Never, NoSocket: true, Logger: quiet}
		clear, err := session.Open(path, &opts)
		must(t, err)
		inClear := putSession(t, clear, "1", "") // only its cart will be encrypted
		must(t, clear.Close())
		opts.Keys = [][]byte{bytes.Repeat([]byte{1}, 32)}
		keyed, err := session.Open(path, &opts)
		must(t, err)
		id := putSession(t, keyed, "2", "ann")
		s, err := keyed.Get(t.Context(), inClear)
		must(t, err)
		cart, err := s.Component(t.Context(), "cart")
		must(t, err)
		must(t, apples.Set(cart, 3))
		must(t, s.Save(t.Context()))
		if got, err := session.NewAdminBackend(keyed).Get(t.Context(), id.String()); len(got.Encrypted) != 0 || len(got.Values) != 2 || err != nil {
			t.Errorf("with the key: %+v, %v", got, err)
		}
		must(t, keyed.Close())

		opts.Keys = nil
		store := openBolt(t, path, &opts)
		b := session.NewAdminBackend(store)
		if over == "socket" {
			b = overSocket(t, b)
		}
		got, err := b.Get(t.Context(), id.String())
		if !slices.Equal(got.Encrypted, []string{"", "cart"}) || got.User != "ann" || got.Values != nil || len(got.Salt) == 0 || err != nil {
			t.Errorf("%s: without: %+v, %v", over, got, err)
		}
		part, err := b.Get(t.Context(), inClear.String())
		if !slices.Equal(part.Encrypted, []string{"cart"}) || string(part.Values[""]["visits"]) != "\x07" || part.Components["cart"] != -1 || err != nil {
			t.Errorf("%s: in part: %+v, %v", over, part, err)
		}
		if all, err := listed(t.Context(), b, admin.Filter{Component: "cart"}); len(all) != 2 || err != nil {
			t.Errorf("%s: listed %+v, %v", over, all, err)
		}
		_, err = b.Import(t.Context(), false, got)
		wantErr(t, "import of what is encrypted", err, admin.ErrInvalid)
		got.Encrypted = nil
		if n, err := b.Import(t.Context(), false, got); n != 0 || err != nil {
			t.Errorf("%s: Import over one that cannot be read = %d, %v", over, n, err)
		}
		if n, err := b.Destroy(t.Context(), id.String()); n != 1 || err != nil {
			t.Errorf("%s: Destroy = %d, %v", over, n, err)
		}
		_, err = b.Get(t.Context(), id.String())
		if !errors.Is(err, admin.ErrNotFound) {
			t.Errorf("%s: after Destroy: %v", over, err)
		}
		must(t, store.Close())
	}
}
