package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
	"github.com/boltsession/session/internal/boltfile"
)

// explain puts an error into words for a terminal: what is wrong, and what to do next.
func explain(err error) string {
	var inUse *inUseError
	var told *toldError
	var missing *fs.PathError
	msg := printableLines(strings.TrimPrefix(err.Error(), "session: "))
	switch {
	case errors.As(err, &told):
		return msg
	case errors.As(err, &missing) && errors.Is(err, fs.ErrNotExist):
		return printable(missing.Path) + ": no such file; check the path"
	case errors.Is(err, context.Canceled):
		return "interrupted; the store is whole"
	case errors.As(err, &inUse):
		// What wraps the sentinel says it again, with the holder's name where the system tells.
		who := strings.TrimPrefix(inUse.locked.Error(), session.ErrLocked.Error()+": ")
		return printable(who + ", " + inUse.next())
	case errors.Is(err, session.ErrLocked):
		return strings.TrimPrefix(msg, strings.TrimPrefix(session.ErrLocked.Error(), "session: ")+": ") + "; stop the app first, or ask again when it is done"
	case errors.Is(err, session.ErrEncrypted):
		return "values are encrypted, and none of the keys given fits; name the key's file with --key-file, or put the key into " + keysVariable
	case errors.Is(err, session.ErrFull):
		return msg + "; make room: sessctl reap deletes what has expired, compact gives free pages back"
	case errors.Is(err, session.ErrUncertain), errors.Is(err, session.ErrFailed):
		return msg + "; look at the disk and its log, then at sessctl stats, and run the command again"
	case errors.Is(err, errors.ErrUnsupported):
		return msg + "; this store cannot do that"
	case errors.Is(err, admin.ErrNotFound):
		return msg + "; it may have ended, sessctl all lists those there are"
	case errors.Is(err, boltfile.ErrPermission): // which says what to run
		return msg
	case errors.Is(err, fs.ErrPermission):
		return msg + "; run sessctl as the user who owns the file"
	}
	return msg
}

// toldError says all there is to say.
type toldError struct {
	text  string
	cause error // or nil
}

func (e *toldError) Error() string { return e.text }

func (e *toldError) Unwrap() error { return e.cause }
