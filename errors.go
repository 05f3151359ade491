package session

import (
	"errors"
	"fmt"

	"github.com/boltsession/session/internal/boltfile"
)

// The errors that a caller can test for with errors.Is.
var (
	// ErrNotFound: there is no such session, or it has expired or was ended.
	ErrNotFound = errors.New("session: no such session, or it has ended")
	// ErrExists: another session has this ID.
	ErrExists = errors.New("session: a session with this ID exists")
	// ErrNoKey: the component has no value under this key.
	ErrNoKey = errors.New("session: no value under this key")
	// ErrNoSession: the client sent no token of a session; Manager.Generate starts one. What the
	// errors say is for the log of the app, not for its clients.
	ErrNoSession = errors.New("session: the request has no session; start one with Manager.Generate")
	// ErrHeadersSent: the response's header is out, so that no token can be sent any more.
	ErrHeadersSent = errors.New("session: the response has begun, a new token cannot be sent; do this before writing")
	// ErrReleased: the request of this handle is over. Reading what it has still works.
	ErrReleased = errors.New("session: used after its request ended; use Manager.Store().Acquire in background work")
	// ErrUnsupportedValue: a value that could not be read back equal.
	ErrUnsupportedValue = errors.New("session: value cannot be stored")
	// ErrInvalidName: a key, component or user name that no store takes.
	ErrInvalidName = errors.New("session: invalid name")
	// ErrTooLarge: a value, or the component it would be in, is over a limit.
	ErrTooLarge = errors.New("session: too large")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("session: store is closed")
	// ErrLocked: the store's file is open already, usually in another process.
	ErrLocked = errors.New("session: one process at a time can have the file open")
	// ErrFull: no room on the disk or under MaxSize; nothing was changed.
	ErrFull = errors.New("session: no room to store; free disk space or raise MaxSize, expired sessions make room when they are reaped")
	// ErrUncertain: the write may or may not have happened.
	ErrUncertain = errors.New("session: the write failed in a way that leaves its outcome unknown")
	// ErrFailed: the store stopped writing after a failure and could not be reopened yet.
	ErrFailed = errors.New("session: store stopped after a write failure and is being reopened")
	// ErrEncrypted: the file has encrypted values, and none of the keys given to Open is theirs.
	// Nothing is damaged or lost.
	ErrEncrypted = errors.New("session: values are encrypted and no key fits; give Open the key")
	// ErrFormat: not a file of this library, or one of a newer version of it.
	ErrFormat = errors.New("session: not a session store")
	// ErrReplaced: the path of an open store names another file, or none. What is saved goes to the
	// file that is open, which a restart will not find.
	ErrReplaced = boltfile.ErrReplaced
)

// DecodeError says that a stored value does not decode into the type that was asked for,
// usually because the type changed. It harms only its own key: set it anew or remove it.
type DecodeError struct {
	Component string // "" is the global component
	Key       string // not part of the message: keys may be secrets
	Type      string // the Go type asked for
	Err       error
}

// Error implements error. The message tells neither key nor value.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("session: stored value does not decode into %s: %v", e.Type, e.Err)
}

// Unwrap returns the decoder's error.
func (e *DecodeError) Unwrap() error { return e.Err }

// CorruptError says that a store's file is damaged. The file was not changed.
type CorruptError struct {
	Path    string
	Page    uint64 // the damaged page, 0 when none can be named
	Problem string // what is wrong with it
}

// Error implements error.
func (e *CorruptError) Error() string {
	where := e.Path
	if e.Page != 0 {
		where = fmt.Sprintf("%s: page %d", e.Path, e.Page)
	}
	return fmt.Sprintf("session: %s: %s; restore a backup, save what can be saved with sessctl recover, or set BoltOptions.OnCorrupt to MoveAside to start afresh beside it", where, e.Problem)
}
