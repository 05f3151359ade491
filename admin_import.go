package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session/admin"
	"github.com/boltsession/session/internal/record"
)

// importers is how many sessions are imported at a time: they share commits.
const importers = 32

// Import is admin.Backend's. All sessions are checked before the first is stored (ErrInvalid).
// Expired ones are left out and not counted. One that replaces another ends that first: a crash in
// between leaves neither. Component counts, Expires and the IDs' tokens are not needed.
func (a *adminBackend) Import(ctx context.Context, replace bool, sessions ...admin.Session) (int, error) {
	now := time.Now()
	imported := make([]*Session, 0, len(sessions))
	seen := make(map[ID]bool, len(sessions))
	for i := range sessions {
		s, err := a.imported(&sessions[i], now)
		if err != nil {
			return 0, fmt.Errorf("session %d of %d: %w", i+1, len(sessions), err)
		}
		if seen[s.ID()] {
			return 0, fmt.Errorf("session %d of %d: %w: its ID is there twice", i+1, len(sessions), admin.ErrInvalid)
		}
		seen[s.ID()] = true
		if !s.metadata().Expired(now) {
			imported = append(imported, s)
		}
	}
	return a.storeAll(ctx, replace, imported)
}

// storeAll stores sessions until one fails, and returns how many were.
func (a *adminBackend) storeAll(ctx context.Context, replace bool, sessions []*Session) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, stored atomic.Int64
	var wg sync.WaitGroup
	for range min(importers, len(sessions)) {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(len(sessions)) && ctx.Err() == nil; i = next.Add(1) {
				switch was, err := a.store(ctx, replace, sessions[i-1]); {
				case err != nil:
					cancel(err)
				case was:
					stored.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(stored.Load()), context.Cause(ctx)
}

// store stores one session, and says whether it did.
func (a *adminBackend) store(ctx context.Context, replace bool, s *Session) (bool, error) {
	if replace {
		if err := a.proxy.Destroy(ctx, s.ID()); err != nil {
			return false, err
		}
	} else if _, err := a.proxy.Get(ctx, s.ID()); errors.Is(err, ErrEncrypted) {
		return false, nil
	} else if !errors.Is(err, ErrNotFound) {
		return false, err // Save would take it for the same session, created once more
	}
	err := a.proxy.Save(ctx, s)
	switch {
	case errors.Is(err, ErrExists) && !replace:
		return false, nil
	case errors.Is(err, ErrTooLarge), errors.Is(err, ErrInvalidName):
		return false, fmt.Errorf("session %s: %w: %w", s.ID().Short(), admin.ErrInvalid, err)
	}
	return err == nil, err
}

// imported returns a new session of the ProxyStore's that is what in says, or what is wrong with
// that.
func (a *adminBackend) imported(in *admin.Session, now time.Time) (*Session, error) {
	id, err := adminID(in.ID)
	if err != nil {
		return nil, err
	}
	meta, err := importedMeta(in, now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", admin.ErrInvalid, err)
	}
	s := NewSession(a.proxy, id, meta)
	for name, values := range in.Values {
		if err := s.fill(name, values); err != nil {
			return nil, fmt.Errorf("%w: %w", admin.ErrInvalid, err)
		}
	}
	return s, nil
}

// fill sets the values of a component of a session that nobody else has, as they are encoded.
func (s *Session) fill(component string, values map[string][]byte) error {
	if err := checkName("component name", component); err != nil {
		return err
	}
	size := mapHead
	for key, value := range values {
		if err := checkKey(key); err != nil {
			return err
		}
		if _, err := record.ParseMap(record.MapOf(map[string][]byte{key: value})); err != nil {
			return errors.New("a value is not as it was encoded")
		}
		size += record.EntrySize(key, value)
	}
	if err := checkSize(size, s.limit()); err != nil {
		return err
	}
	s.locked(func(l *live) {
		for key, value := range values {
			l.partLocked(component).put(key, value, l.nextLocked())
		}
	})
	return nil
}

// maxAhead is how far times may be in the future: another machine's clock may be.
const maxAhead = time.Hour

// importedMeta returns a session's metadata, or what is wrong with it.
func importedMeta(in *admin.Session, now time.Time) (m Meta, err error) {
	m = Meta{
		Created: in.Created.UTC(), LastAccess: in.LastAccess.UTC(), End: in.End.UTC(), MaxAge: in.MaxAge,
		User: in.User, Salt: in.Salt, Fingerprint: in.Fingerprint,
	}
	const maxSalt, maxFingerprint = 64, 255
	switch early, late := time.Unix(0, 0), time.Unix(0, 1<<63-1); {
	case m.Created.Before(early), m.LastAccess.Before(m.Created), m.End.Before(m.Created):
		return m, errors.New("the times are missing or not in order: created, last access, end")
	case m.LastAccess.After(now.Add(maxAhead)):
		return m, errors.New("the last access is in the future")
	case m.End.After(late):
		return m, errors.New("the end is too far in the future")
	case m.MaxAge < time.Second:
		return m, errors.New("the max age is less than a second")
	case len(in.Encrypted) > 0:
		return m, errors.New("its values are encrypted, and can only be imported in clear")
	case len(m.Salt) > maxSalt, len(m.Fingerprint) > maxFingerprint,
		len(m.Fingerprint) > 0 && (len(m.Fingerprint) < sha256.Size || len(m.Salt) == 0):
		return m, errors.New("salt and fingerprint are not such as sessions have")
	}
	if len(m.Salt) == 0 {
		m.Salt = make([]byte, 16)
		rand.Read(m.Salt)
	}
	return m, checkName("user name", m.User)
}
