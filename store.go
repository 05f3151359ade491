package session

import (
	"context"
	"iter"
	"time"
)

// DefaultMaxAge is the idle timeout of a new session: it expires this long after its last
// access (Connect's default).
const DefaultMaxAge = 4 * time.Hour

// DefaultLifetime is the absolute lifetime of a new session, whatever its use: the longest
// that NIST SP 800-63B allows before the user has to authenticate again.
const DefaultLifetime = 30 * 24 * time.Hour

// DefaultMaxComponentSize bounds what one component may hold, in encoded bytes, in a store
// that names no bound of its own.
const DefaultMaxComponentSize = 64 << 10

// Store is what any store of sessions does: the four verbs of RAIN.js's BaseSessionStore,
// and Close. All methods are safe for concurrent use; after Close they return [ErrClosed].
// A store says no more of a failure than it knows: [ErrUncertain] when a write may or may not
// have happened, any other error when it has not.
//
// To write a store, keep [Meta] and each component's values under the session's [ID], build
// sessions with [NewSession] and [LoadSession], and take what is to be stored from
// [Session.Changes]. Package sessiontest proves that a store keeps the rules; the optional
// interfaces below are found with [As].
type Store interface {
	// Create returns a new session under id, with the default ages and 16 random bytes of Salt,
	// that is not stored until it is saved. It returns ErrExists if the store has an unexpired
	// session under id.
	Create(ctx context.Context, id ID) (*Session, error)

	// Get returns a copy of the session under id with its global component and the named ones.
	// It returns ErrNotFound if there is none or it has expired, whether or not it was reaped.
	// A named component that the session does not have is empty, and no error.
	Get(ctx context.Context, id ID, components ...string) (*Session, error)

	// Save merges the session's dirty keys into what is stored, in one atomic step, and returns
	// nil once all that was dirty at the call is stored. It stores a new session (ErrExists if
	// another one took its ID), and returns ErrNotFound rather than bring back an ended one. It
	// returns ErrTooLarge if a component would be larger than the store takes: with a method
	// MaxComponentSize() int a store says what that is, without one it is
	// DefaultMaxComponentSize.
	Save(ctx context.Context, s *Session) error

	// Destroy ends the session under id. It returns nil when there is nothing to end.
	Destroy(ctx context.Context, id ID) error

	// Close waits for work under way, stores what was accepted and frees what the store holds.
	// A second Close returns nil.
	Close() error
}

// Lister is a store that can list its sessions.
type Lister interface {
	// All returns the unexpired sessions, in no promised order. Sessions that come or go
	// meanwhile may be missed. An error ends the sequence.
	All(ctx context.Context) iter.Seq2[Info, error]

	// Length returns the number of unexpired sessions.
	Length(ctx context.Context) (int, error)
}

// Clearer is a store that can end all its sessions at once.
type Clearer interface {
	// Clear ends all sessions and returns how many unexpired ones there were.
	Clear(ctx context.Context) (int, error)
}

// Toucher is a store that can move a session's last access without the rest.
type Toucher interface {
	// Touch moves the last access of the session under id to at, unless it is later already.
	// It returns nil when there is no such session, and never brings one back.
	Touch(ctx context.Context, id ID, at time.Time) error
}

// Renewer is a store that can move a session to another ID in one atomic step. On any other,
// Session.Renew saves a copy and destroys the original, with a moment in between.
type Renewer interface {
	// Renew stores the changes of s and moves the session to the ID to. The old ID is dead from
	// then on, and s with it: Get the session under its new ID. It returns ErrNotFound if s
	// has ended, ErrExists if to is taken.
	Renew(ctx context.Context, s *Session, to ID) error
}

// Reapable is a store whose expired sessions want deleting now and then; see [Reaper].
type Reapable interface {
	// Reap deletes the sessions that have expired and returns how many it deleted.
	Reap(ctx context.Context) (int, error)
}

// UserIndex is a store that finds the sessions of a user, as set by [Session.SetUser].
type UserIndex interface {
	// ByUser returns the user's unexpired sessions, in no promised order; "" is no user and has
	// none. For a value of one, such as the name of its device, Get it.
	ByUser(ctx context.Context, user string) ([]Info, error)

	// DestroyUser ends the user's sessions but for those under the IDs except, and returns how
	// many it ended.
	DestroyUser(ctx context.Context, user string, except ...ID) (int, error)
}

// Notifier is a store that tells when a session ended.
type Notifier interface {
	// OnDestroy has f called for every session that ends, after the end is committed and before
	// the call that ended it returns. f runs on that call's goroutine and may use the store, but
	// not change, save or end the session through a handle on it.
	// The function returned stops it.
	OnDestroy(f func(ID, Reason)) (cancel func())
}

// As finds the first store in the chain of s and what its Unwrap() Store methods return that
// is a T, usually one of the optional interfaces.
func As[T any](s Store) (T, bool) {
	for s != nil {
		if t, ok := s.(T); ok {
			return t, true
		}
		u, ok := s.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		s = u.Unwrap()
	}
	var zero T
	return zero, false
}

// Reason says why a session ended.
type Reason int

// The reasons.
const (
	Destroyed Reason = iota + 1 // Destroy, logging out
	Expired                     // past its idle timeout or its lifetime, and reaped
	Renewed                     // moved to another ID
	Cleared                     // Clear
	Revoked                     // DestroyUser
	Damaged                     // a record of it fails its checksum
)

// String returns the reason as one lower-case word.
func (r Reason) String() string {
	switch r {
	case Destroyed:
		return "destroyed"
	case Expired:
		return "expired"
	case Renewed:
		return "renewed"
	case Cleared:
		return "cleared"
	case Revoked:
		return "revoked"
	case Damaged:
		return "damaged"
	}
	return "unknown"
}

// Meta is what a store keeps of a session beside its values. Times have the resolution of a
// nanosecond; the byte slices are not changed once the session is stored.
type Meta struct {
	Created     time.Time     `json:"created"`
	LastAccess  time.Time     `json:"last_access"`
	End         time.Time     `json:"end"`     // end of the absolute lifetime; never moved
	MaxAge      time.Duration `json:"max_age"` // idle timeout, in nanoseconds
	User        string        `json:"user,omitempty"`
	Salt        []byte        `json:"-"` // 16 random bytes of this session
	Fingerprint []byte        `json:"-"` // SHA-256 of salt and what identifies the client; nil for none
}

// ExpiresAt returns when the session expires unless it is touched: MaxAge after the last
// access, and at End at the latest.
func (m Meta) ExpiresAt() time.Time {
	idle := m.LastAccess.Add(m.MaxAge)
	if idle.After(m.End) {
		return m.End
	}
	return idle
}

// Expired says whether the session is expired at now.
func (m Meta) Expired(now time.Time) bool { return !now.Before(m.ExpiresAt()) }

// Info is what a listing tells of a session.
type Info struct {
	ID ID `json:"id"`
	Meta
	Components map[string]int `json:"components"` // how many keys each component has; -1: it is encrypted, and the store has no key that fits
}

// Changes is what a session has to store: a snapshot, taken by [Session.Changes] and handed
// back to [Session.Saved]. Its maps belong to the store; the encoded values in them are shared
// and must not be modified.
type Changes struct {
	ID         ID
	New        bool                        // the session is to be created, and must not exist
	Meta       *Meta                       // nil when unchanged, never when New; Created, End and Salt stay, of two LastAccess the later counts
	Components map[string]ComponentChanges // the components that changed

	seq uint64 // all changes up to this generation are in the snapshot
}

// ComponentChanges is what changed in one component. Clear comes before Set and Removed, which
// have no key in common.
type ComponentChanges struct {
	Clear   bool              // remove all that is stored first
	Set     map[string][]byte // encoded values by key
	Removed []string          // keys to remove
}
