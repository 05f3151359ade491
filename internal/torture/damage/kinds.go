//go:build linux

package damage

import (
	"context"
	"errors"
	"io/fs"

	"github.com/boltsession/session"
)

// kindsOfErrors are the errors that a caller can test for, by the name that figures give them.
var kindsOfErrors = []struct {
	name string
	err  error
}{
	{"not found", session.ErrNotFound}, {"locked", session.ErrLocked}, {"full", session.ErrFull},
	{"uncertain", session.ErrUncertain}, {"failed", session.ErrFailed}, {"encrypted", session.ErrEncrypted},
	{"format", session.ErrFormat}, {"replaced", session.ErrReplaced}, {"closed", session.ErrClosed},
	{"exists", session.ErrExists}, {"too large", session.ErrTooLarge},
	{"no file", fs.ErrNotExist}, {"file exists", fs.ErrExist}, {"permission", fs.ErrPermission},
	{"canceled", context.Canceled}, {"timeout", context.DeadlineExceeded},
}

// kindOf names what kind of error it is: "" for none, "untyped" for one that nobody can test for.
func kindOf(err error) string {
	var corrupt *session.CorruptError
	var decode *session.DecodeError
	var path *fs.PathError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &corrupt):
		return "corrupt"
	case errors.As(err, &decode):
		return "decode"
	}
	for _, k := range kindsOfErrors {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	if errors.As(err, &path) {
		return "system" // and errors.Is says which errno
	}
	return "untyped"
}
