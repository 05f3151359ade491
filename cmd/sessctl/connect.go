package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

// access is what a command does with a store.
type access int

const (
	reading  access = iota // the file stays as it is, to the byte
	writing                // the file must exist
	creating               // the file is made if it is missing
)

// How long to wait: together less than a second.
const (
	firstLook   = time.Millisecond       // for the file, which an app holds as long as it runs
	answerWait  = 500 * time.Millisecond // for an app to say something on its socket
	lastingLook = 300 * time.Millisecond // for the file again: another sessctl lets go of it soon
)

// connection is a way to a store: the file, or the app that has it open.
type connection struct {
	admin.Backend
	path  string // FILE as it was typed
	live  bool
	close func() error
}

// with calls f with a connection to the store in path.
func with(ctx context.Context, path string, how access, f func(*connection) error) error {
	return withKeys(ctx, path, how, keySource{}, f)
}

// withKeys is with for what reads or writes values. An app that has the store open has its own keys.
func withKeys(ctx context.Context, path string, how access, source keySource, f func(*connection) error) error {
	var keys [][]byte
	if source.used {
		var err error
		if keys, err = source.load(); err != nil {
			return err
		}
	}
	c, err := connect(ctx, path, how, keys)
	if err != nil {
		return err
	}
	return errors.Join(f(c), c.close())
}

// connect finds the way to the store in path. The lock decides: whoever holds it has the store,
// and a socket that answers beside a file that is free is of an app whose file was taken away.
func connect(ctx context.Context, path string, how access, keys [][]byte) (*connection, error) {
	// Open makes a store where there is no file: right for an app, wrong for a typing error.
	if _, err := os.Lstat(path); how != creating && errors.Is(err, fs.ErrNotExist) {
		return nil, &noStoreError{path}
	}
	c, err := openFile(path, how, keys, firstLook)
	if err == nil || !errors.Is(err, session.ErrLocked) {
		return c, err
	}
	c, dialErr := dial(ctx, path)
	if dialErr == nil {
		return c, nil
	}
	if errors.Is(dialErr, context.Canceled) || errors.Is(dialErr, context.DeadlineExceeded) || errors.Is(dialErr, admin.ErrOtherUser) {
		return nil, &inUseError{err, dialErr}
	}
	// It may be another sessctl, or an app that is just starting or ending.
	c, err = openFile(path, how, keys, lastingLook)
	if errors.Is(err, session.ErrLocked) {
		return nil, &inUseError{err, dialErr}
	}
	return c, err
}

// openFile opens the file itself.
func openFile(path string, how access, keys [][]byte, timeout time.Duration) (*connection, error) {
	opts := &session.BoltOptions{
		ReadOnly: how == reading,
		Timeout:  timeout,
		Keys:     keys,
		Reap:     session.Never, // only what was asked for is to happen
		NoSocket: true,
		Logger:   slog.New(slog.DiscardHandler), // errors say it all
	}
	store, err := session.Open(path, opts)
	if err != nil {
		return nil, err
	}
	return &connection{Backend: session.NewAdminBackend(store), path: path, close: store.Close}, nil
}

// dial connects to the app that has the file open, if it answers.
func dial(ctx context.Context, path string) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	client, err := admin.Dial(ctx, path+".sock")
	if err != nil {
		return nil, err
	}
	return &connection{Backend: client, path: path, live: true, close: client.Close}, nil
}

// noStoreError says that there is no file.
type noStoreError struct{ path string }

func (e *noStoreError) Error() string {
	return fmt.Sprintf("%s: no such file; check the path, a store is made by the app that opens it", e.path)
}

// Is makes it fs.ErrNotExist.
func (e *noStoreError) Is(target error) bool { return target == fs.ErrNotExist }

// inUseError says that a file is open elsewhere and that nobody there can be asked.
type inUseError struct{ locked, socket error }

func (e *inUseError) Error() string { return e.locked.Error() + ": " + e.socket.Error() }

// next says why, and what to do.
func (e *inUseError) next() string {
	switch {
	case errors.Is(e.socket, context.DeadlineExceeded), errors.Is(e.socket, admin.ErrNoAnswer):
		return "which does not answer; ask again, or look what holds it up"
	case errors.Is(e.socket, admin.ErrOtherUser):
		return "whose socket is another user's; run sessctl as the user that the app runs as"
	}
	return "which serves no socket for sessctl; stop it first, or ask again when it is done"
}
