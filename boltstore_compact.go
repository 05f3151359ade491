package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/boltsession/session/internal/boltfile"
)

// parking has the committer wait while somebody else works on the file.
type parking struct {
	ready chan struct{} // closed when the committer waits
	leave chan error    // what came of the work; the committer goes on
}

// Compact gives the free pages of the file back to the system: it writes a compact copy,
// verifies it, and puts it in the file's place. Reads go on; writes wait, about a second for each
// gigabyte. After a crash at any moment there is either file, whole. The error is ErrReplaced if
// the path does not name the open file any more.
func (b *BoltStore) Compact(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.service.Lock()
	defer b.service.Unlock()
	t := b.newTask(op{kind: opPark})
	t.parking = &parking{ready: make(chan struct{}), leave: make(chan error, 1)}
	if err := b.queue.add(t); err != nil {
		b.free(t)
		return err
	}
	select {
	case <-t.parking.ready:
	case <-t.done: // the store failed before the committer came to it
		defer b.free(t)
		return t.err
	}
	err := boltfile.Guard(func() error { return b.compact(ctx) })
	if err != nil {
		err = fmt.Errorf("compact store: %w", err)
	}
	t.parking.leave <- err
	<-t.done
	b.free(t)
	return err
}

// compact does it while the committer waits, so that nothing is committed in between.
func (b *BoltStore) compact(ctx context.Context) error {
	prepared, err := boltfile.PrepareCompact(ctx, b.file, b.fileOptions(newCensus()), b.interrupted)
	if err != nil {
		return err
	}
	b.fileMu.Lock() // readers end first
	defer b.fileMu.Unlock()
	file, err := prepared.Swap()
	if err != nil {
		return err
	}
	file.DB().AllocSize = growStep(b.opts.MaxSize)
	b.file = file
	b.measureFile(file)
	return nil
}

// park has the committer wait for whoever works on the file. If the file was replaced by its
// compact copy and that may not be on disk, it is opened anew.
func (c *committer) park(t *task) {
	if c.failed == nil {
		close(t.parking.ready)
		if err := <-t.parking.leave; errors.Is(err, boltfile.ErrSwapped) {
			c.failed = err
			c.queue.stop(ErrFailed)
		}
	} else {
		t.err = ErrFailed
	}
	t.answer()
}
