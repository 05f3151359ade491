package admin

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"time"
)

// The requests of version 1. Those that change something are POSTs with a JSON object, the others
// GETs with a query. What answers them is JSON; a list of sessions is one JSON object per line.
const (
	pathHello       = "/v1"
	pathStats       = "/v1/stats"
	pathLength      = "/v1/length"
	pathSessions    = "/v1/sessions"
	pathFind        = "/v1/ids"
	pathDestroy     = "/v1/destroy"
	pathDestroyUser = "/v1/destroy-user"
	pathClear       = "/v1/clear"
	pathReap        = "/v1/reap"
	pathBackup      = "/v1/backup"
	pathCompact     = "/v1/compact"
	pathImport      = "/v1/import"
)

// Bounds of what travels, in bytes.
const (
	maxRequest = 1 << 20  // of a request's body
	maxImport  = 64 << 20 // of Import's, and of any one answer
)

// The bodies of requests.
type (
	nothing        struct{}
	destroyRequest struct {
		IDs []string `json:"ids"`
	}
	userRequest struct {
		User string `json:"user"`
	}
	backupRequest struct {
		Path string `json:"path"`
	}
	importRequest struct {
		Replace  bool      `json:"replace"`
		Sessions []Session `json:"sessions"`
	}
)

// The answers that are not of Backend's own types.
type (
	helloAnswer struct {
		Process string `json:"process"`
	}
	countAnswer struct {
		Count int `json:"count"`
	}
	idsAnswer struct {
		IDs []string `json:"ids"`
	}
)

// listLine is a line of a list of sessions. The last one has no session: a list without it was
// cut off.
type listLine struct {
	Session *Session `json:"session,omitempty"`
	End     bool     `json:"end,omitempty"`
	problem
}

// problem is how an error travels.
type problem struct {
	Text  string `json:"error,omitempty"`
	Code  string `json:"code,omitempty"`  // of every error
	Count int    `json:"count,omitempty"` // what was done before, of a request that counts
}

// kind is a sort of error that callers test for.
type kind struct {
	code   string
	err    error
	status int
}

// kinds are the sorts of errors that cross the wire; an error is of the first that it is. All
// others are their text.
var kinds = []kind{
	{"invalid", ErrInvalid, http.StatusBadRequest},
	{"not_found", ErrNotFound, http.StatusNotFound},
	{"unsupported", errors.ErrUnsupported, http.StatusNotImplemented},
	{"exists", fs.ErrExist, http.StatusConflict},
	{"no_such_file", fs.ErrNotExist, http.StatusUnprocessableEntity},
	{"permission", fs.ErrPermission, http.StatusUnprocessableEntity},
	{"canceled", context.Canceled, http.StatusServiceUnavailable},
	{"deadline", context.DeadlineExceeded, http.StatusGatewayTimeout},
}

// internal is the code of an error of no kind.
const internal = "internal"

// problemOf returns how err travels, and the status that goes with it.
func problemOf(err error, count int) (problem, int) {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return problem{err.Error(), k.code, count}, k.status
		}
	}
	return problem{err.Error(), internal, count}, http.StatusInternalServerError
}

// err returns the error at the other end.
func (p problem) err() error {
	if p.Text == "" {
		p.Text = "the store gives an error without words"
	}
	return &remoteError{p}
}

// remoteError is an error from the other end of a socket. Its text is the one that it had there.
type remoteError struct{ problem }

func (e *remoteError) Error() string { return e.Text }

// Unwrap returns the error that callers test for, nil if it is of no kind.
func (e *remoteError) Unwrap() error {
	for _, k := range kinds {
		if k.code == e.Code {
			return k.err
		}
	}
	return nil
}

// How long the ends of a socket wait for each other.
const (
	helloTimeout  = 5 * time.Second  // for a server to take a client
	answerTimeout = time.Minute      // for what takes no time, and for the next line of a list
	headerTimeout = 5 * time.Second  // for a client's request
	bodyTimeout   = 30 * time.Second // for the whole of its body
	writeTimeout  = time.Minute      // for a client to read on
	closeGrace    = 500 * time.Millisecond
)
