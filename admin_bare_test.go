package session_test

import (
	"errors"
	"testing"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

// TestAdminOfBareStore: what a store does not offer is said to be so, the rest works.
func TestAdminOfBareStore(t *testing.T) {
	inner := session.NewMemoryStore(nil)
	defer inner.Close()
	bare := bareStore{inner}
	for name, b := range map[string]admin.Backend{
		"direct": session.NewAdminBackend(bare), "socket": overSocket(t, session.NewAdminBackend(bare)),
	} {
		id := putSession(t, inner, name, "ann")
		works := map[string]bool{"Get": true, "Destroy": true, "Import": true}
		for call, err := range everyCall(t.Context(), b, id.String()) {
			if works[call] {
				must(t, err)
			} else {
				wantErr(t, call, err, errors.ErrUnsupported)
			}
		}
		wantErr(t, "Backup", b.Backup(t.Context(), "/x"), errors.ErrUnsupported)
		_, err := b.Compact(t.Context())
		wantErr(t, "Compact", err, errors.ErrUnsupported)
	}
}

// bareStore has nothing but the four verbs.
type bareStore struct{ session.Store }

// TestAdminClearsWithoutNotifier: a store that does not tell what it ended has live sessions ended
// all the same.
func TestAdminClearsWithoutNotifier(t *testing.T) {
	inner := session.NewMemoryStore(nil)
	defer inner.Close()
	proxy := session.NewProxyStore(func() (session.Store, error) { return silentStore{inner, inner, inner}, nil }, nil)
	ann, bob := putSession(t, inner, "1", "ann"), putSession(t, inner, "2", "bob")
	one, release, err := proxy.Acquire(t.Context(), ann)
	must(t, err)
	defer release()
	two, release, err := proxy.Acquire(t.Context(), bob)
	must(t, err)
	defer release()
	b := session.NewAdminBackend(proxy)
	_, err = b.DestroyUser(t.Context(), "ann")
	must(t, err)
	isDead(t, one)
	must(t, visits.Set(two, 8))
	_, err = b.Clear(t.Context())
	must(t, err)
	isDead(t, two)
}

type silentStore struct {
	session.Store
	session.Clearer
	session.UserIndex
}
