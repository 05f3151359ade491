// Package admin looks at and steers a store of sessions: its own process's, or another's over a
// Unix socket. [Backend] is what can be done. The root package has one for any of its stores;
// [Client] is one that asks a [Handler] of another process. So a tool like sessctl does the same
// to a running store and to a file that nobody has open.
//
// Nothing here knows a token: sessions are named by their IDs, which open nothing.
package admin

import (
	"context"
	"errors"
	"iter"
	"time"
)

// Backend is what can be done to a store. IDs are 64 hex digits. All methods are safe for
// concurrent use. What a store cannot do is errors.ErrUnsupported.
type Backend interface {
	// Stats tells of the store itself.
	Stats(ctx context.Context) (Stats, error)

	// Length returns the number of unexpired sessions.
	Length(ctx context.Context) (int, error)

	// List returns the unexpired sessions that match, without their values, in no promised order.
	List(ctx context.Context, f Filter) iter.Seq2[Session, error]

	// Get returns a session with its values. It returns ErrNotFound if there is none.
	Get(ctx context.Context, id string) (Session, error)

	// Find returns the IDs that begin with prefix, at most limit of them, in order.
	Find(ctx context.Context, prefix string, limit int) ([]string, error)

	// Destroy ends sessions, at once for requests in flight too, and returns how many there were.
	Destroy(ctx context.Context, ids ...string) (int, error)

	// DestroyUser ends the sessions of a user, and returns how many there were.
	DestroyUser(ctx context.Context, user string) (int, error)

	// Clear ends all sessions, and returns how many there were.
	Clear(ctx context.Context) (int, error)

	// Reap deletes the expired sessions, and returns how many there were.
	Reap(ctx context.Context) (int, error)

	// Backup writes a copy of the store to a new file on the store's machine, at an absolute path.
	Backup(ctx context.Context, path string) error

	// Compact gives free pages back to the system.
	Compact(ctx context.Context) (Compaction, error)

	// Import stores sessions as they are, with their IDs, and returns how many. A session whose ID
	// exists is left as it is and not counted, unless replace is true.
	Import(ctx context.Context, replace bool, sessions ...Session) (int, error)
}

// The errors that a Backend's callers test for; they cross the socket.
var (
	ErrNotFound = errors.New("no such session")
	ErrInvalid  = errors.New("invalid request")
)

// Session is one session. Times are UTC.
type Session struct {
	ID         string         `json:"id"`
	User       string         `json:"user"`
	Created    time.Time      `json:"created"`
	LastAccess time.Time      `json:"last_access"`
	Expires    time.Time      `json:"expires"`    // unless it is used
	End        time.Time      `json:"end"`        // at the latest
	MaxAge     time.Duration  `json:"max_age"`    // nanoseconds
	Components map[string]int `json:"components"` // how many keys each has; -1: it is encrypted, and no key fits

	// Of Get, and for Import: the encoded (CBOR) values by component and key. Encrypted names the
	// components whose values cannot be read without a key.
	Values      map[string]map[string][]byte `json:"values,omitempty"`
	Encrypted   []string                     `json:"encrypted,omitempty"`
	Salt        []byte                       `json:"salt,omitempty"`
	Fingerprint []byte                       `json:"fingerprint,omitempty"`
}

// Filter selects sessions. The zero value selects all.
type Filter struct {
	User      string        `json:"user,omitempty"`      // of this user
	Component string        `json:"component,omitempty"` // with values in this component
	Older     time.Duration `json:"older,omitempty"`     // not used for this long
}

// Stats tells of a store. Counts of work are since it was opened.
type Stats struct {
	Path         string    `json:"path"`
	Live         bool      `json:"live"`    // an app has it open
	Process      string    `json:"process"` // which one, "pid 12 (counter)"; empty for this one
	Format       int       `json:"format"`
	Sessions     int       `json:"sessions"` // in the file, expired ones that are not reaped included
	Created      uint64    `json:"created"`
	Ended        uint64    `json:"ended"`
	Saves        uint64    `json:"saves"`
	Commits      uint64    `json:"commits"`
	Ops          uint64    `json:"ops"`
	LargestGroup int       `json:"largest_group"`
	Reopens      uint64    `json:"reopens"`
	Pending      int       `json:"pending"`       // sessions with accepted saves that are not committed
	Touches      int       `json:"touches"`       // sessions with touches that are not committed
	Refused      int       `json:"refused"`       // ended sessions whose end could not be stored yet
	LiveSessions int       `json:"live_sessions"` // in use by requests right now
	FileBytes    int64     `json:"file_bytes"`
	FreeBytes    int64     `json:"free_bytes"`
	MaxBytes     int64     `json:"max_bytes"`
	LastReap     time.Time `json:"last_reap"`
	LastReaped   int       `json:"last_reaped"`
	LastReapErr  string    `json:"last_reap_error,omitempty"`
	Opened       time.Time `json:"opened"`
	Failed       bool      `json:"failed"` // writes fail until the file is open again
	Full         bool      `json:"full"`   // new sessions are refused
}

// Compaction is what came of Compact, in bytes.
type Compaction struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}
