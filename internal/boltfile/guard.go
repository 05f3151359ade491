package boltfile

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Guard calls fn and returns its error, or a *PanicError if it panicked. A memory fault, which
// is what a read error or a truncated file looks like through a mapping, is a panic here instead
// of the end of the process. It holds for this goroutine only, not for those that fn starts.
//
// After a panic inside a transaction bbolt's locks may be held for ever: use CloseDirty then.
func Guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{Reason: reason(r)}
		}
	}()
	return fn()
}

// reason describes a panic without what bbolt's messages tell of keys.
func reason(r any) string {
	msg := fmt.Sprint(r)
	if strings.Contains(msg, "(hex)") {
		return "bbolt: keys out of order"
	}
	return msg
}

// openDB has bbolt open the verified and locked file f and takes f over: when it fails, f is
// unlocked and closed. bbolt locks f once more, which costs nothing on the same descriptor.
func openDB(f *os.File, o Options) (*bbolt.DB, error) { return openLogged(f, o, nil) }

// openLogged is openDB with a logger for bbolt, nil for none.
func openLogged(f *os.File, o Options, log bbolt.Logger) (*bbolt.DB, error) {
	var db *bbolt.DB
	first := true
	err := Guard(func() (err error) {
		db, err = bbolt.Open(f.Name(), 0o600, &bbolt.Options{
			Timeout:         max(o.Timeout, time.Millisecond),
			FreelistType:    bbolt.FreelistMapType,
			NoFreelistSync:  true,
			ReadOnly:        o.ReadOnly,
			InitialMmapSize: o.InitialMmapSize,
			MaxSize:         clampInt(o.MaxSize),
			Logger:          log,
			NoStatistics:    false, // the count of free pages is among them
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				if first { // later calls are those of Tx.CopyFile
					first = false
					return f, nil
				}
				return os.OpenFile(name, flag, mode)
			},
		})
		return err
	})
	if err == nil {
		return db, nil
	}
	err = openError(f.Name(), err)
	o.withDefaults().Unusable(err)
	// A mapping that a panic left behind holds the lock even when f is closed.
	unlock(f)
	f.Close()
	return nil, err
}

// openError translates what bbolt.Open returned or panicked with. After the verification it is
// rarely damage: the disk failed meanwhile, or there is no address space left.
func openError(path string, err error) error {
	var panicked *PanicError
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return &LockedError{Path: path}
	case errors.As(err, &panicked):
		return &DamageError{Path: path, Problem: "bbolt cannot open the file: " + panicked.Reason, Err: err}
	}
	return fmt.Errorf("open bbolt file: %w", err)
}

// clampInt keeps a 64-bit limit a limit on 32-bit systems.
func clampInt(n int64) int {
	const maxInt = int64(^uint(0) >> 1)
	return int(min(n, maxInt))
}
