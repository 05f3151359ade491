package boltfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	berrors "go.etcd.io/bbolt/errors"
)

func TestCommitErrors(t *testing.T) {
	path := func(op string, err error) error { return &fs.PathError{Op: op, Path: "store.db", Err: err} }
	resize := func(err error) error { return fmt.Errorf("file resize error: %s", path("truncate", err)) }
	tests := []struct {
		err             error
		full, uncertain bool
	}{
		{nil, false, false},
		{berrors.ErrMaxSizeReached, true, false},
		{fmt.Errorf("commit: %w", berrors.ErrMaxSizeReached), true, false},
		{berrors.ErrDatabaseNotOpen, false, false},
		{berrors.ErrTxClosed, false, false},
		{path("write", syscall.ENOSPC), true, false},
		{path("write", syscall.EFBIG), true, false},
		{path("write", syscall.EDQUOT), true, false},
		{fmt.Errorf("commit: %w", path("write", syscall.ENOSPC)), true, false},
		{resize(syscall.ENOSPC), true, false},
		{resize(syscall.EFBIG), true, false},
		{fmt.Errorf("commit: %w", resize(syscall.EDQUOT)), true, false},
		{path("write", syscall.EIO), false, true},
		{path("sync", syscall.ENOSPC), true, true},
		{resize(syscall.EIO), false, true},
		{syscall.EIO, false, true},   // fdatasync
		{syscall.ENOSPC, true, true}, // fdatasync of a thin volume
		{fmt.Errorf("file sync error: %s", path("sync", syscall.ENOSPC)), false, true},
		{fmt.Errorf("mmap allocate error: %s", syscall.ENOMEM), false, true},
		{&boltfile.PanicError{Reason: "fault"}, false, true},
		{errors.New("anything else"), false, true},
	}
	for _, tt := range tests {
		if got := boltfile.IsFull(tt.err); got != tt.full {
			t.Errorf("IsFull(%v) = %v", tt.err, got)
		}
		if got := boltfile.IsUncertain(tt.err); got != tt.uncertain {
			t.Errorf("IsUncertain(%v) = %v", tt.err, got)
		}
	}
}

func TestErrorTexts(t *testing.T) {
	for err, want := range map[error]string{
		&boltfile.DamageError{Path: "a.db", Page: 7, Problem: "is used twice"}: "a.db: page 7: is used twice",
		&boltfile.DamageError{Page: 7, Problem: "is used twice"}:               "page 7: is used twice",
		&boltfile.LockedError{Path: "a.db"}:                                    "a.db is in use by another process",
		&boltfile.LockedError{Path: "a.db", Holder: "pid 4 (shop)"}:            "a.db is in use by pid 4 (shop)",
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
}
