package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/boltsession/session/internal/boltfile"
)

// The pauses between attempts to open a file again.
const (
	firstReopenPause = 100 * time.Millisecond
	maxReopenPause   = 5 * time.Second
)

// reopen replaces a file that failed in a way that leaves unknown what is on the disk: what the
// process has mapped may not be what a restart would find. Readers end first, then the file is
// closed without a write, and verified and opened as if the program had just started. It says
// false when the store closes before that worked.
func (c *committer) reopen() bool {
	b := c.store
	b.log.Error("session: a write failed, the store reads only until its file is verified and open again", "error", c.failed)
	for c.queue.length.Load() > 0 {
		c.deny(c.queue.take(nil), ErrFailed)
	}
	c.deny(append(c.waiting, c.covered...), ErrFailed)
	c.waiting, c.covered, c.flush, c.touch = nil, nil, job{}, job{}
	b.flushFull.Store(false) // the next flush will tell
	was := b.letGo()
	if errors.Is(c.failed, boltfile.ErrSwapped) {
		was = nil // by our own compaction
	}
	for wait := firstReopenPause; ; wait = min(2*wait, maxReopenPause) {
		err := b.openAgain(was)
		if err == nil {
			break
		}
		b.log.Error("session: cannot open the store's file again, trying on", "error", err)
		if !c.pause(wait) {
			return false
		}
	}
	c.failed = nil
	c.settleMoves()
	c.queue.stop(nil)
	c.resume()
	b.log.Warn("session: the store's file is open again")
	return true
}

// letGo closes the file once its readers have ended, and returns it. Reads wait a while for the
// next one.
func (b *BoltStore) letGo() *boltfile.File {
	b.fileMu.Lock()
	file := b.file
	b.file, b.reopened, b.failedAt = nil, make(chan struct{}), time.Now()
	b.fileMu.Unlock()
	if err := file.CloseDirty(); err != nil {
		b.log.Error("session: cannot close the failed file", "error", err)
	}
	return file
}

// openAgain opens the file anew. What somebody put into its place, a restored backup perhaps, is
// not the state that this process answers for: ended sessions could be back. was is nil when
// any file will do.
func (b *BoltStore) openAgain(was *boltfile.File) error {
	file, err := b.openFile(boltfile.Reopen, nil)
	if err != nil {
		return err
	}
	if was != nil && !file.Same(was) {
		return errors.Join(fmt.Errorf("%s: %w", b.path, ErrReplaced), file.CloseDirty())
	}
	if err := b.install(file); err != nil {
		return errors.Join(err, file.CloseDirty())
	}
	b.stats.reopens.Add(1)
	close(b.reopened)
	return nil
}

// settleMoves finds out which renewals happened after all. What was accepted of a session before it
// was renewed is part of the new one then, and must not bring the old one back.
func (c *committer) settleMoves() {
	moves := c.moves
	c.moves = nil
	err := c.store.viewTables(func(t tables) error {
		for _, o := range moves {
			if moved, err := t.find(o.to); moved != nil || err != nil {
				c.store.mem.forget(o.id)
			}
		}
		return nil
	})
	if err != nil {
		c.store.log.Error("session: cannot read the file that was opened again", "error", err)
	}
}

// resume has the work done soon that memory still holds: ends that were refused, accepted saves.
// A file that opens and does not write would otherwise be opened again and again without a pause.
func (c *committer) resume() {
	now := time.Now()
	if c.failing > 1 {
		now = now.Add(min(firstReopenPause<<min(c.failing-2, 10), maxReopenPause))
	}
	if c.store.mem.refused.Load() > 0 {
		c.queue.retryAt.Store(c.queue.clock(now))
	}
	if c.store.mem.pending.Load() > 0 {
		c.queue.flushAt.Store(c.queue.clock(now))
	}
	if c.store.mem.touches.Load() > 0 {
		c.queue.soonest(&c.queue.touchAt, now.Add(c.store.opts.TouchInterval))
	}
}

// pause waits for d, and says false when the store closes before.
func (c *committer) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.store.closing:
		return false
	}
}
