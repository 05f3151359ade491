package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session/admin"
	"github.com/boltsession/session/internal/boltfile"
)

// BoltStore keeps sessions in one bbolt file, which survives restarts, crashes and power cuts. It
// does all that the optional interfaces of stores ask for. It has three goroutines, one that
// writes, one that reaps and one that takes clients of its admin socket, and another for each of
// up to 16 of these; Close ends them.
//
// Without SyncEvery, a save is on disk when it returns. Saves that come together share a commit.
// Touches are in memory until the session's next save, or TouchInterval; a crash loses them.
type BoltStore struct {
	path      string
	opts      BoltOptions
	log       *slog.Logger
	observers observers
	proxied   func() *ProxyStore
	unkeyed   bool // values should be encrypted, and there are no keys

	fileMu   sync.RWMutex // held by readers while they read
	file     *boltfile.File
	reopened chan struct{} // closed when a file that failed is open again
	failedAt time.Time     // when it was closed

	mem       *memory
	queue     *taskQueue
	tasks     sync.Pool
	stopped   chan struct{}  // closed when the committer has ended
	telling   sync.WaitGroup // observers are being told of ends that were owed
	closing   chan struct{}  // closed when Close begins
	closeOnce func() error
	reaper    *Reaper
	socket    *admin.Server // nil: there is none
	service   sync.Mutex    // held by Backup and Compact

	count     atomic.Int64 // sessions in the file, expired ones included
	nextDue   atomic.Int64 // the earliest deadline in the expiry index
	flushFull atomic.Bool  // accepted saves could not be stored: no more are accepted
	stats     boltStats
}

// Open opens the store in the file at path, or creates it: a regular file that only this user can
// read, in a directory that others cannot write to. It reads the whole file to see whether it is
// sound. The errors: ErrLocked when another process has it, ErrFormat when it is something else
// or of a newer version, *CorruptError when it is damaged, otherwise what is wrong with the file,
// its directory or the options.
func Open(path string, opts *BoltOptions) (*BoltStore, error) {
	o, err := opts.filled()
	if err != nil {
		return nil, err
	}
	b := &BoltStore{
		path: path, opts: o, log: o.Logger, mem: newMemory(), queue: newTaskQueue(),
		stopped: make(chan struct{}), closing: make(chan struct{}),
	}
	b.closeOnce = sync.OnceValue(b.close)
	b.proxied = sync.OnceValue(func() *ProxyStore {
		return NewProxyStore(func() (Store, error) { return b, nil }, &ProxyOptions{Logger: o.Logger})
	})
	if !o.ReadOnly {
		// The schedule is checked before anything is created.
		if _, err := parseSchedule(o.Reap, time.Now()); err != nil {
			return nil, err
		}
	}
	file, err := b.openOrMoveAside()
	if err != nil {
		return nil, err
	}
	b.path = file.Path()
	if err := b.adopt(file); err != nil {
		file.CloseDirty()
		return nil, err
	}
	return b, b.start()
}

// start starts the goroutines.
func (b *BoltStore) start() (err error) {
	b.stats.opened = time.Now()
	if b.opts.ReadOnly {
		b.queue.stop(errReadOnly)
		close(b.stopped)
		return nil
	}
	go (&committer{store: b, queue: b.queue, group: make([]*task, 0, maxGroup)}).run()
	if b.reaper, err = NewReaper(b, b.opts.Reap, &ReaperOptions{Logger: b.log}); err != nil {
		return errors.Join(err, b.Close())
	}
	b.serve()
	return nil
}

// errReadOnly is what writes to a store return that was opened with ReadOnly.
var errReadOnly = fmt.Errorf("session: the store was opened with ReadOnly: %w", errors.ErrUnsupported)

// proxy returns the store's one ProxyStore.
func (b *BoltStore) proxy() *ProxyStore { return b.proxied() }

// MaxComponentSize returns how large one component may be, in encoded bytes.
func (b *BoltStore) MaxComponentSize() int { return b.opts.MaxComponentSize }

// OnDestroy is [Notifier].OnDestroy.
func (b *BoltStore) OnDestroy(f func(ID, Reason)) (cancel func()) { return b.observers.add(f) }

// watch has a ProxyStore told of ends, before those that OnDestroy registers.
func (b *BoltStore) watch(end func(ID, Reason)) { b.observers.addProxy(end) }

// Close is [Store].Close: it waits for work under way, stores what was accepted and touched, and
// closes the file. The error says that something could not be stored, or the file not be closed.
func (b *BoltStore) Close() error { return b.closeOnce() }

func (b *BoltStore) close() error {
	b.unserve() // the next one to open the file makes its own socket: ours goes before the lock does
	if b.reaper != nil {
		b.reaper.Close()
	}
	b.queue.stop(ErrClosed)
	close(b.closing)
	b.queue.signal()
	<-b.stopped
	b.telling.Wait()
	b.fileMu.Lock()
	defer b.fileMu.Unlock()
	file := b.file
	b.file = nil
	if file == nil {
		return fmt.Errorf("close store: %w", ErrFailed)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return b.unstored()
}

// unstored returns an error if accepted saves, or ends, are still in memory only.
func (b *BoltStore) unstored() error {
	saves, ends := b.mem.pending.Load(), b.mem.refused.Load()
	if saves == 0 && ends == 0 {
		return nil
	}
	return fmt.Errorf("close store: accepted saves of %d sessions and the ends of %d could not be stored: %w", saves, ends, ErrFull)
}

// Create is [Store].Create.
func (b *BoltStore) Create(ctx context.Context, id ID) (*Session, error) {
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	_, _, err := b.load(id, nil)
	switch {
	case err == nil, errors.Is(err, ErrEncrypted):
		return nil, ErrExists
	case errors.Is(err, errDamaged):
		b.endDamaged(ctx, id, err)
	case !errors.Is(err, ErrNotFound):
		return nil, err
	}
	return NewSession(b, id, newMeta(time.Now(), DefaultMaxAge, DefaultLifetime)), nil
}

// Get is [Store].Get.
func (b *BoltStore) Get(ctx context.Context, id ID, components ...string) (*Session, error) {
	if err := b.usable(ctx); err != nil {
		return nil, err
	}
	for _, name := range components {
		if err := checkName("component name", name); err != nil {
			return nil, err
		}
	}
	meta, values, err := b.loadSound(ctx, id, components)
	if err != nil {
		return nil, err
	}
	return loadSession(b, id, meta.Meta, meta.names, values...), nil
}

// getInto is Get for a state that is there already.
func (b *BoltStore) getInto(ctx context.Context, l *live) error {
	if err := b.usable(ctx); err != nil {
		return err
	}
	meta, values, err := b.loadSound(ctx, l.id, nil)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fill(meta.Meta, meta.names, values)
	return nil
}

// Save is [Store].Save.
func (b *BoltStore) Save(ctx context.Context, s *Session) error { return s.saveTo(ctx, b) }

// commit stores changes; see changeStore.
func (b *BoltStore) commit(ctx context.Context, ch Changes) error {
	o, err := b.saveOp(ch)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.opts.SyncEvery > 0 {
		if taken, err := b.accept(o); taken {
			return b.stats.saved(ch.New, b.ifDamaged(ctx, ch.ID, err))
		}
	}
	_, err = b.do(ctx, o)
	return b.stats.saved(ch.New, b.ifDamaged(ctx, ch.ID, err))
}

// Destroy is [Store].Destroy.
func (b *BoltStore) Destroy(ctx context.Context, id ID) error {
	_, err := b.do(ctx, &op{kind: opDestroy, id: id, reason: Destroyed, at: time.Now()})
	return err
}

// Renew is [Renewer].Renew.
func (b *BoltStore) Renew(ctx context.Context, s *Session, to ID) error {
	return s.renewTo(ctx, func(ch Changes) error {
		o, err := b.saveOp(ch)
		if err != nil {
			return err
		}
		o.kind, o.to, o.reason = opRenew, to, Renewed
		_, err = b.do(ctx, o)
		return b.ifDamaged(ctx, ch.ID, err)
	})
}

// Touch is [Toucher].Touch. It is memory until the session's next save, or TouchInterval.
func (b *BoltStore) Touch(ctx context.Context, id ID, at time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.queue.refusal(); err != nil && err != ErrFailed {
		return err
	}
	n := nanos(at)
	came := n + int64(time.Since(at)) // by one reading of one clock, if at has it; time.Now reads two
	if late := came - n; late < 0 || late > int64(time.Second) {
		if came = nanos(time.Now()); n < came && !b.accessedBefore(id, at) {
			return nil // what moves nothing would have the next touch seem to come long after the last
		}
	}
	b.touchAt(id, came, n, b.opts.TouchInterval)
	return nil
}

// touch is Touch for a touch that comes now and is to be on disk within a given time.
func (b *BoltStore) touch(id ID, now time.Time, within time.Duration) {
	b.touchAt(id, nanos(now), nanos(now), within)
}

func (b *BoltStore) touchAt(id ID, now, at int64, within time.Duration) {
	if b.opts.ReadOnly {
		return
	}
	first := b.mem.touch(id, now, at)
	if within = min(within, b.opts.TouchInterval); first || within < b.opts.TouchInterval {
		b.queue.soonest(&b.queue.touchAt, time.Now().Add(within)) // now is the wall clock's
	}
}

// Clear is [Clearer].Clear. If the error is neither ErrClosed nor a done ctx's, all sessions are
// refused that were there, in this process and from now on, and the store tries again.
func (b *BoltStore) Clear(ctx context.Context) (int, error) {
	out, err := b.do(ctx, &op{kind: opClear, reason: Cleared, listed: b.observers.any(), at: time.Now()})
	return out.count, err
}

// DestroyUser is [UserIndex].DestroyUser. It is one transaction. If the error is neither ErrClosed
// nor a done ctx's, the sessions that it should end are refused, in this process and from now on,
// and the store tries again. The user's later sessions are not among them.
func (b *BoltStore) DestroyUser(ctx context.Context, user string, except ...ID) (int, error) {
	if user == "" {
		return 0, b.usable(ctx)
	}
	out, err := b.do(ctx, &op{kind: opDestroyUser, user: user, except: except, reason: Revoked, at: time.Now()})
	return out.count, err
}
