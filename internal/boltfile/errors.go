package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	berrors "go.etcd.io/bbolt/errors"
)

// The errors that a caller can test for with errors.Is. What wraps them says what to do next.
var (
	// ErrFormat: empty, text, too short, or of another version: not a bbolt file that we know.
	ErrFormat = errors.New("not a bbolt file")
	// ErrReplaced: the path names another file than the one that is open, or none.
	ErrReplaced = errors.New("file was replaced or removed while open")
	// ErrSwapped: a compaction gave the path to its copy, and that may not be on disk.
	ErrSwapped = errors.New("compacted file is in place but its name may not be on disk")
	// ErrKind: a directory, symbolic link, FIFO, socket or device.
	ErrKind = errors.New("not a regular file")
	// ErrPermission: the file or its directory is in reach of other users. It is fs.ErrPermission, too.
	ErrPermission error = permissionError{}
	// ErrNetworkFS: the file lies where neither locks nor mappings can be relied on.
	ErrNetworkFS = errors.New("network file system")
	// ErrBusy: a transaction did not end, so the file was left mapped. Its lock is released.
	ErrBusy = errors.New("a transaction is still open")
	// ErrChanged: something was committed between the two steps of a compaction.
	ErrChanged = errors.New("file changed during compaction")
)

// permissionError is the type of ErrPermission.
type permissionError struct{}

// Error implements error.
func (permissionError) Error() string { return "unsafe owner or permissions" }

// Is implements what errors.Is asks for.
func (permissionError) Is(target error) bool { return target == fs.ErrPermission }

// DamageError says which page of a file is damaged and how. The file was not changed.
type DamageError struct {
	Path    string // "" when only a reader was given
	Page    uint64 // 0 when no page can be named, or it is the first
	Problem string // names neither keys nor values
	Err     error  // what the visitor, the disk or bbolt said, or nil
}

// Error implements error.
func (e *DamageError) Error() string {
	where := "page " + fmt.Sprint(e.Page)
	if e.Path != "" {
		where = e.Path + ": " + where
	}
	return where + ": " + e.Problem
}

// Unwrap returns the cause, if there is one.
func (e *DamageError) Unwrap() error { return e.Err }

// LockedError says that the file is open elsewhere.
type LockedError struct {
	Path   string
	Holder string // "pid 123 (counter)" where the system tells, else ""
	Own    bool   // by this process
}

// Error implements error.
func (e *LockedError) Error() string {
	switch {
	case e.Own:
		return e.Path + " is open in this process already; open it once and share the store"
	case e.Holder == "":
		return e.Path + " is in use by another process"
	}
	return e.Path + " is in use by " + e.Holder
}

// PanicError is a panic or memory fault that Guard caught.
type PanicError struct {
	Reason string // without keys and values
}

// Error implements error.
func (e *PanicError) Error() string { return "panic: " + e.Reason }

// IsFull says whether err means that there is no room: MaxSize, disk, quota or file size limit.
// A full disk that shows only at a sync is uncertain as well, so ask IsUncertain first.
func IsFull(err error) bool {
	return errors.Is(err, berrors.ErrMaxSizeReached) || isFullErrno(err) || isFullResize(err)
}

// IsUncertain says whether a commit that returned err may have happened all the same, and
// whether the open file may no longer agree with the disk. The answer to true is to stop, drain,
// CloseDirty and Reopen. bbolt rolls back cleanly only what failed before anything was written
// or for want of room; after a failed fdatasync the data may be there or not, and the kernel
// calls the pages clean; after a failed mmap bbolt has no mapping at all.
func IsUncertain(err error) bool {
	if err == nil || isRefused(err) || isFullResize(err) {
		return false
	}
	var write *fs.PathError
	return !(errors.As(err, &write) && write.Op == "write" && isFullErrno(write.Err))
}

// isRefused says whether bbolt turned the commit down before it wrote anything.
func isRefused(err error) bool {
	for _, refused := range []error{
		berrors.ErrMaxSizeReached, berrors.ErrTxClosed, berrors.ErrTxNotWritable,
		berrors.ErrDatabaseNotOpen, berrors.ErrDatabaseReadOnly,
	} {
		if errors.Is(err, refused) {
			return true
		}
	}
	return false
}

func isFullErrno(err error) bool {
	for _, full := range fullErrnos {
		if errors.Is(err, full) {
			return true
		}
	}
	return false
}

// isFullResize reads bbolt's message, which is all that bbolt leaves of a failed truncate.
func isFullResize(err error) bool {
	if err == nil {
		return false
	}
	msg := err.Error()
	if !strings.Contains(msg, "file resize error: ") {
		return false
	}
	for _, full := range fullErrnos {
		if strings.HasSuffix(msg, full.Error()) {
			return true
		}
	}
	return false
}
