package session

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"os"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	bolt "go.etcd.io/bbolt"
)

// openOrMoveAside opens the file, or starts a new one beside a damaged one if the options say so.
func (b *BoltStore) openOrMoveAside() (*boltfile.File, error) {
	if b.opts.OnCorrupt != MoveAside {
		return b.openFile(boltfile.Open, nil)
	}
	var damage error
	m := mover{path: b.path}
	file, err := b.openFile(boltfile.Open, func(why error) {
		if b.spoilt(why) {
			damage = why
			m.move(time.Now())
		}
	})
	if damage == nil {
		return file, err
	}
	if err := m.finish(); err != nil {
		return nil, errors.Join(damage, err)
	}
	b.log.Error("session: the store's file is damaged; it was moved aside and an empty store started, everybody is logged out",
		"error", damage, "aside", m.aside)
	return b.openFile(boltfile.Open, nil)
}

// spoilt says whether the file is damaged. An empty one is, too: it is what a power cut leaves of
// files that were not made as carefully as ours.
func (b *BoltStore) spoilt(err error) bool {
	var corrupt *CorruptError
	if errors.As(err, &corrupt) {
		return true
	}
	info, statErr := os.Lstat(b.path)
	return errors.Is(err, ErrFormat) && statErr == nil && info.Mode().IsRegular() && info.Size() == 0
}

// openFile opens the file with open, which is boltfile's Open or Reopen, and checks that it is a
// store that this version knows. unusable, which may be nil, is told what is wrong with the
// content while the file's lock is still held.
func (b *BoltStore) openFile(
	open func(context.Context, string, boltfile.Options) (*boltfile.File, error), unusable func(error),
) (*boltfile.File, error) {
	if unusable == nil {
		unusable = func(error) {}
	}
	census := newCensus()
	opts := b.fileOptions(census)
	opts.Unusable = func(why error) { unusable(b.openError(why)) }
	file, err := open(context.Background(), b.path, opts)
	if err != nil {
		return nil, b.openError(err)
	}
	if err := b.checkContent(file, census); err != nil {
		unusable(err)
		file.CloseDirty()
		return nil, err
	}
	// bbolt grows a file in steps of 16 MiB, too much for a small device. It reads this with its
	// write lock held, and nobody has that yet.
	file.DB().AllocSize = growStep(b.opts.MaxSize)
	return file, nil
}

// checkContent says whether a sound bbolt file is a sound store.
func (b *BoltStore) checkContent(file *boltfile.File, c *census) error {
	if err := file.View(checkFormat); err != nil {
		return fmt.Errorf("open store %s: %w", b.path, err)
	}
	if err := c.check(file); err != nil {
		return &CorruptError{Path: b.path, Problem: err.Error()}
	}
	return nil
}

func (b *BoltStore) fileOptions(c *census) boltfile.Options {
	return boltfile.Options{
		Timeout:         b.opts.Timeout,
		ReadOnly:        b.opts.ReadOnly,
		MaxSize:         b.opts.MaxSize,
		InitialMmapSize: initialMmapSize(b.opts.MaxSize),
		Init:            createStore,
		Visit:           c.visit,
		Warn:            func(msg string) { b.log.Warn("session: " + msg) },
	}
}

// initialMmapSize is how much address space is mapped from the start: while the file is smaller,
// no write ever waits for a reader to let the mapping grow.
func initialMmapSize(maxSize int64) int {
	if bits.UintSize == 32 {
		return int(min(maxSize, 16<<20))
	}
	return int(min(maxSize, 256<<20))
}

// openError translates the errors of boltfile.
func (b *BoltStore) openError(err error) error {
	var locked *boltfile.LockedError
	var damage *boltfile.DamageError
	switch {
	case errors.As(err, &locked):
		return fmt.Errorf("%w: %w", ErrLocked, err)
	case errors.As(err, &damage):
		return &CorruptError{Path: b.path, Page: damage.Page, Problem: damage.Problem}
	case errors.Is(err, boltfile.ErrFormat), errors.Is(err, boltfile.ErrKind):
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return fmt.Errorf("session: open store: %w", err)
}

// install makes file the store's.
func (b *BoltStore) install(file *boltfile.File) error {
	var count, due int64
	err := file.View(func(tx *bolt.Tx) error {
		t, err := openTables(tx)
		if err != nil {
			return err
		}
		count, due = int64(t.global.Sequence()), firstDeadline(t.expiry)
		return nil
	})
	if err != nil {
		return &CorruptError{Path: b.path, Problem: err.Error()}
	}
	b.count.Store(count)
	b.nextDue.Store(due)
	b.measureFile(file)
	b.fileMu.Lock()
	defer b.fileMu.Unlock()
	b.file = file
	return nil
}

// firstDeadline returns the earliest deadline in the expiry index, the end of time if there is
// none.
func firstDeadline(expiry *bolt.Bucket) int64 {
	k, _ := expiry.Cursor().First()
	if len(k) < 8 {
		return 1<<63 - 1
	}
	return int64(binary.BigEndian.Uint64(k))
}
