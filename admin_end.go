package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/boltsession/session/admin"
)

// Destroy is admin.Backend's.
func (a *adminBackend) Destroy(ctx context.Context, ids ...string) (n int, err error) {
	parsed := make([]ID, len(ids))
	for i, id := range ids {
		if parsed[i], err = adminID(id); err != nil {
			return 0, err
		}
	}
	for _, id := range parsed {
		was, err := a.destroy(ctx, id)
		if err != nil {
			return n, err
		}
		if was {
			n++
		}
	}
	return n, nil
}

// destroy ends a session for all its holders, and tells whether there was one. One that cannot be
// read was there.
func (a *adminBackend) destroy(ctx context.Context, id ID) (was bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	_, getErr := a.proxy.Get(ctx, id)
	err = a.proxy.Destroy(ctx, id)
	return err == nil && !errors.Is(getErr, ErrNotFound), err
}

// DestroyUser is admin.Backend's.
func (a *adminBackend) DestroyUser(ctx context.Context, user string) (int, error) {
	if user == "" {
		return 0, fmt.Errorf("%w: no user is named", admin.ErrInvalid)
	}
	users, err := offered[UserIndex](a.proxy, "find users")
	if err != nil {
		return 0, err
	}
	n, err := users.DestroyUser(ctx, user)
	if err == nil {
		a.endLive(Revoked, func(l *live) bool { return l.meta.User == user })
	}
	return n, err
}

// Clear is admin.Backend's.
func (a *adminBackend) Clear(ctx context.Context) (int, error) {
	clearer, err := offered[Clearer](a.proxy, "be cleared")
	if err != nil {
		return 0, err
	}
	n, err := clearer.Clear(ctx)
	if err == nil {
		a.endLive(Cleared, func(*live) bool { return true })
	}
	return n, err
}

// endLive ends the live sessions that match, if the store did not tell that it ended them.
func (a *adminBackend) endLive(reason Reason, match func(*live) bool) {
	if _, tells := As[Notifier](a.proxy); tells {
		return
	}
	for _, id := range a.proxy.liveIDs(match) {
		a.proxy.end(id, reason)
	}
}

// Reap is admin.Backend's. A BoltStore's own reaper does it, one run at a time.
func (a *adminBackend) Reap(ctx context.Context) (int, error) {
	store, err := offered[Reapable](a.proxy, "be reaped")
	if err != nil {
		return 0, err
	}
	if bolt, ok := store.(*BoltStore); ok && bolt.reaper != nil {
		return bolt.reaper.Reap(ctx)
	}
	return store.Reap(ctx)
}
