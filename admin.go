package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/boltsession/session/admin"
)

// NewAdminBackend returns what package admin can do to store: any store, or the ProxyStore of a
// Manager, whose requests under way then see at once what was ended. What the store does not
// offer is an error that is errors.ErrUnsupported. A store from [Open] serves one already, on a
// socket beside its file.
func NewAdminBackend(store Store) admin.Backend { return &adminBackend{proxyOf(store)} }

// adminBackend steers a store by way of its ProxyStore.
type adminBackend struct{ proxy *ProxyStore }

// offered returns the store as a T.
func offered[T any](p *ProxyStore, what string) (t T, err error) {
	store, err := p.Store()
	if err != nil {
		return t, err
	}
	t, ok := As[T](store)
	if !ok {
		return t, fmt.Errorf("the store cannot %s: %w", what, errors.ErrUnsupported)
	}
	return t, nil
}

// Stats is admin.Backend's. Only a BoltStore can say more than how many sessions there are.
func (a *adminBackend) Stats(ctx context.Context) (admin.Stats, error) {
	if err := ctx.Err(); err != nil {
		return admin.Stats{}, err
	}
	bolt, err := offered[*BoltStore](a.proxy, "tell of itself")
	if err != nil {
		n, lengthErr := a.Length(ctx)
		return admin.Stats{Sessions: n, LiveSessions: a.proxy.lives()}, lengthErr
	}
	if err := bolt.usable(ctx); err != nil {
		return admin.Stats{}, err
	}
	s := bolt.Stats()
	return admin.Stats{
		Path: bolt.path, Format: s.Format, Sessions: s.Sessions,
		Created: s.Created, Ended: s.Ended, Saves: s.Saves, Commits: s.Commits, Ops: s.Ops,
		LargestGroup: s.LargestGroup, Reopens: s.Reopens,
		Pending: s.Pending, Touches: s.Touches, Refused: s.Refused, LiveSessions: a.proxy.lives(),
		FileBytes: s.FileBytes, FreeBytes: s.FreeBytes, MaxBytes: s.MaxBytes,
		LastReap: s.LastReap.UTC(), LastReaped: s.LastReaped, LastReapErr: s.LastReapErr,
		Opened: s.Opened.UTC(), Failed: s.Failed, Full: s.Full,
	}, nil
}

// Length is admin.Backend's.
func (a *adminBackend) Length(ctx context.Context) (int, error) {
	lister, err := offered[Lister](a.proxy, "count its sessions")
	if err != nil {
		return 0, err
	}
	return lister.Length(ctx)
}

// List is admin.Backend's.
func (a *adminBackend) List(ctx context.Context, f admin.Filter) iter.Seq2[admin.Session, error] {
	return func(yield func(admin.Session, error) bool) {
		if f.Older < 0 {
			yield(admin.Session{}, fmt.Errorf("%w: Older is negative", admin.ErrInvalid))
			return
		}
		now := time.Now()
		for info, err := range a.infos(ctx, f.User) {
			if err != nil {
				yield(admin.Session{}, err)
				return
			}
			if matches(f, info, now) && !yield(describe(info.ID, info.Meta, info.Components), nil) {
				return
			}
		}
	}
}

// infos returns all sessions, or those of a user.
func (a *adminBackend) infos(ctx context.Context, user string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		users, err := offered[UserIndex](a.proxy, "find users")
		if user == "" || errors.Is(err, errors.ErrUnsupported) {
			lister, err := offered[Lister](a.proxy, "list its sessions")
			if err != nil {
				yield(Info{}, err)
				return
			}
			lister.All(ctx)(yield)
			return
		}
		var infos []Info
		if err == nil {
			infos, err = users.ByUser(ctx, user)
		}
		if err != nil {
			yield(Info{}, err)
			return
		}
		for _, info := range infos {
			if !yield(info, nil) {
				return
			}
		}
	}
}

// matches says whether a filter selects a session.
func matches(f admin.Filter, info Info, now time.Time) bool {
	return (f.User == "" || info.User == f.User) &&
		(f.Component == "" || info.Components[f.Component] != 0) &&
		(f.Older == 0 || now.Sub(info.LastAccess) >= f.Older)
}

// describe returns what package admin tells of a session, without its values.
func describe(id ID, m Meta, components map[string]int) admin.Session {
	return admin.Session{
		ID: id.String(), User: m.User, Created: m.Created.UTC(), LastAccess: m.LastAccess.UTC(),
		Expires: m.ExpiresAt().UTC(), End: m.End.UTC(), MaxAge: m.MaxAge, Components: components,
	}
}

// Find is admin.Backend's.
func (a *adminBackend) Find(ctx context.Context, prefix string, limit int) ([]string, error) {
	prefix = strings.ToLower(prefix)
	if strings.Trim(prefix, "0123456789abcdef") != "" || len(prefix) > 2*len(ID{}) {
		return nil, fmt.Errorf("%w: an ID has up to %d hex digits", admin.ErrInvalid, 2*len(ID{}))
	}
	if limit < 1 {
		return nil, fmt.Errorf("%w: the limit is less than 1", admin.ErrInvalid)
	}
	all, inOrder, err := a.beginningWith(ctx, prefix)
	if err != nil {
		return nil, err
	}
	var found []string
	for info, err := range all {
		if err != nil {
			return nil, err
		}
		id := info.ID.String()
		at, _ := slices.BinarySearch(found, id)
		if found = slices.Insert(found, at, id); len(found) > limit {
			found = found[:limit]
		}
		if inOrder && len(found) == limit {
			break
		}
	}
	return found, nil
}

// beginningWith returns the sessions whose IDs begin with a prefix, and whether they come in order.
func (a *adminBackend) beginningWith(ctx context.Context, prefix string) (infos iter.Seq2[Info, error], inOrder bool, err error) {
	lister, err := offered[Lister](a.proxy, "list its sessions")
	if err != nil {
		return nil, false, err
	}
	if bolt, ok := lister.(*BoltStore); ok {
		return bolt.from(ctx, prefix), true, nil
	}
	return func(yield func(Info, error) bool) {
		for info, err := range lister.All(ctx) {
			if (err != nil || strings.HasPrefix(info.ID.String(), prefix)) && !yield(info, err) {
				return
			}
		}
	}, false, nil
}

// adminID reads an ID.
func adminID(id string) (ID, error) {
	parsed, err := ParseID(id)
	if err != nil {
		return ID{}, fmt.Errorf("%w: an ID has %d hex digits", admin.ErrInvalid, 2*len(ID{}))
	}
	return parsed, nil
}

// Backup is admin.Backend's.
func (a *adminBackend) Backup(ctx context.Context, path string) error {
	store, err := offered[interface {
		Backup(ctx context.Context, path string) error
	}](a.proxy, "be backed up")
	switch {
	case err != nil:
		return err
	case !filepath.IsAbs(path):
		return fmt.Errorf("%w: the path of a backup has to be absolute", admin.ErrInvalid)
	case strings.ContainsRune(path, 0):
		return fmt.Errorf("%w: a path has no NUL", admin.ErrInvalid)
	}
	return store.Backup(ctx, path)
}

// Compact is admin.Backend's, with the sizes of the file.
func (a *adminBackend) Compact(ctx context.Context) (done admin.Compaction, err error) {
	bolt, err := offered[*BoltStore](a.proxy, "be compacted")
	if err != nil {
		return done, err
	}
	if done.Before, err = fileSize(bolt.path); err != nil {
		return done, err
	}
	if err := bolt.Compact(ctx); err != nil {
		return done, err
	}
	done.After, err = fileSize(bolt.path)
	return done, err
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("measure store: %w", err)
	}
	return info.Size(), nil
}
