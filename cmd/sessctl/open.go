package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/boltsession/session"
)

// reading calls f with the store in path open for reading, which leaves the file as it is.
func reading(path string, f func(*session.BoltStore) error) error {
	return opened(path, &session.BoltOptions{ReadOnly: true}, f)
}

// writing calls f with the store in path open for writing.
func writing(path string, f func(*session.BoltStore) error) error {
	return opened(path, &session.BoltOptions{}, f)
}

func opened(path string, opts *session.BoltOptions, f func(*session.BoltStore) error) (err error) {
	// Open makes a store where there is no file: right for an app, wrong for a typing error.
	if _, err := os.Lstat(path); err != nil {
		return err
	}
	// Only what was asked for is to happen: nothing is reaped.
	opts.Reap = session.Never
	opts.Logger = slog.New(slog.NewTextHandler(io.Discard, nil)) // errors say it all
	store, err := session.Open(path, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return f(store)
}

// explain puts an error into words for a terminal: what is wrong, and what to do next.
func explain(err error) string {
	var missing *fs.PathError
	msg := printableLines(strings.TrimPrefix(err.Error(), "session: "))
	switch {
	case errors.As(err, &missing) && errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s: no such file; check the path, a store is made by the app that opens it", printable(missing.Path))
	case errors.Is(err, session.ErrLocked):
		// What wraps the sentinel says it again, with the holder's name where the system tells.
		msg = strings.TrimPrefix(msg, strings.TrimPrefix(session.ErrLocked.Error(), "session: ")+": ")
		return msg + "; stop the app first, or ask again when it is done"
	case errors.Is(err, fs.ErrPermission):
		return msg + "; run sessctl as the user who owns the file"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return msg
}
