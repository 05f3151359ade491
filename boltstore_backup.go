package session

import (
	"context"
	"fmt"
	"sync"

	"github.com/boltsession/session/internal/boltfile"
)

// Backup writes a copy of the store as it is now to a new file at path, which must not exist
// (fs.ErrExist). Others read and write meanwhile. The copy is private to this user, synced and
// verified before it gets its name: after a failure or a crash there is nothing at path. It is a
// store like any other, and its sessions are as alive. The error is ErrReplaced if the store's path
// does not name the open file any more.
func (b *BoltStore) Backup(ctx context.Context, path string) error {
	if err := b.readable(ctx); err != nil {
		return err
	}
	if b.flushFull.Load() {
		return fmt.Errorf("back up store: accepted saves are in memory only: %w", ErrFull)
	}
	b.service.Lock()
	defer b.service.Unlock()
	file, err := b.lockFile()
	if err != nil {
		return err
	}
	release := sync.OnceFunc(b.fileMu.RUnlock)
	defer release()
	if err := boltfile.Backup(ctx, file, path, b.interrupted, release); err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	return nil
}

// interrupted returns why long work on the file must end: it failed, or the store closes.
func (b *BoltStore) interrupted() error {
	if b.opts.ReadOnly {
		if b.isClosing() {
			return ErrClosed
		}
		return nil
	}
	return b.queue.refusal()
}

// isClosing says whether Close has begun.
func (b *BoltStore) isClosing() bool {
	select {
	case <-b.closing:
		return true
	default:
		return false
	}
}
