package boltfile

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// lockPause is the time between two attempts at a lock.
const lockPause = 10 * time.Millisecond

// checkKind returns ErrKind for anything but a regular file.
func checkKind(path string, info os.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode&os.ModeSymlink != 0:
		return fmt.Errorf("%s: %w but a symbolic link: use the path it points to", path, ErrKind)
	case mode.IsDir():
		return fmt.Errorf("%s: %w but a directory: name a file in it", path, ErrKind)
	default:
		return fmt.Errorf("%s: %w but of mode %s", path, ErrKind, mode)
	}
}

// lockedBy returns the error for a file that a process holds, as holder names it.
func lockedBy(path, holder string) *LockedError {
	own := fmt.Sprintf("pid %d", os.Getpid())
	return &LockedError{Path: path, Holder: holder, Own: holder == own || strings.HasPrefix(holder, own+" ")}
}

// lock waits for the lock on f until the deadline.
func lock(ctx context.Context, path string, f *os.File, exclusive bool, deadline time.Time) error {
	for {
		free, err := tryLock(f, exclusive)
		if err != nil {
			return fmt.Errorf("lock file: %w", err)
		}
		if free {
			return nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			return lockedBy(path, holder(f))
		}
		if err := pause(ctx, min(left, lockPause)); err != nil {
			return err
		}
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
