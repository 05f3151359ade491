package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

// records are what the file has of a session: copies, still sealed.
type records struct {
	meta   []byte   // nil: there is no such session
	global []byte   // values of the global component; nil: it has none
	named  [][]byte // values of the components asked for
}

// load returns a session as it is now: with what is pending, and touches in memory. It has the
// values of the global component and the named ones, in this order. The errors are ErrNotFound,
// errDamaged, ErrEncrypted, and what keeps the file from being read.
func (b *BoltStore) load(id ID, names []string) (*storedMeta, []loadedComponent, error) {
	owed := b.mem.owedEnds() // before it is read: what is owed now may be in the file then
	e, touch, r, err := b.look(id, names)
	if err != nil {
		return nil, nil, err
	}
	meta, err := e.metadata(id, touch, &r, names)
	if err != nil {
		return nil, nil, err
	}
	if owed.cover(id, meta.User) {
		return nil, nil, ErrNotFound
	}
	values := make([]loadedComponent, 1, 1+len(names))
	if values[0], err = e.values(b.opts.keys, "", id, r.global, meta); err != nil {
		return nil, nil, err
	}
	for i, name := range names {
		c, err := e.values(b.opts.keys, name, id, r.sealed(i, name), meta)
		if err != nil {
			return nil, nil, err
		}
		values = append(values, c)
	}
	return meta, values, nil
}

// loadSound is load for one who has no use for a damaged session: it ends.
func (b *BoltStore) loadSound(ctx context.Context, id ID, names []string) (*storedMeta, []loadedComponent, error) {
	meta, values, err := b.load(id, names)
	if errors.Is(err, errDamaged) {
		b.endDamaged(ctx, id, err)
		return nil, nil, ErrNotFound
	}
	return meta, values, err
}

// metadata returns a session's metadata from what memory and file have of it: ErrNotFound when there
// is none, or it has expired.
func (e *pendingEntry) metadata(id ID, touch touchMark, r *records, names []string) (meta *storedMeta, err error) {
	switch {
	case r.meta == nil && (e == nil || !e.has(names)):
		return nil, ErrNotFound
	case e != nil:
		copied := *e.meta
		meta = &copied
	default:
		if meta, err = parseMeta(id, r.meta); err != nil {
			return nil, err
		}
	}
	meta.Meta = touch.over(meta.Meta)
	if meta.Expired(time.Now()) {
		return nil, ErrNotFound
	}
	return meta, nil
}

// accessedBefore says whether a session was last accessed before a time. What cannot be read was.
func (b *BoltStore) accessedBefore(id ID, at time.Time) bool {
	e, touch, r, err := b.look(id, nil)
	if err != nil {
		return true
	}
	meta, err := e.metadata(id, touch, &r, nil)
	return err != nil || meta.LastAccess.Before(at)
}

// sealed returns the record of the i-th component asked for.
func (r *records) sealed(i int, name string) []byte {
	if name == "" {
		return r.global
	}
	if i < len(r.named) {
		return r.named[i]
	}
	return nil
}

// values returns a component's values: what is pending of it, or else what the record says.
func (e *pendingEntry) values(keys *record.Keys, name string, id ID, sealed []byte, meta *storedMeta) (loadedComponent, error) {
	c := loadedComponent{name: name}
	if e != nil {
		for _, body := range e.rev.bodies {
			if body.name == name {
				return body, nil
			}
		}
	}
	if sealed == nil {
		if meta.has(name) {
			return c, errMissing
		}
		return c, nil
	}
	values, err := parseValues(keys, name, id, sealed)
	c.values = values
	return c, err
}

// look returns what memory and file have of a session, at one moment: nothing moves from the one
// to the other while it looks.
func (b *BoltStore) look(id ID, names []string) (e *pendingEntry, touch touchMark, r records, err error) {
	if b.opts.SyncEvery == 0 {
		// Nothing is ever pending. What was touched is looked up first: it stays in memory until
		// it is in the file.
		var refused bool
		if touch, refused = b.mem.known(id); refused {
			return nil, touch, r, ErrNotFound
		}
		r, err = b.readRecords(id, names...)
		return nil, touch, r, err
	}
	s := b.mem.of(id)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, refused := s.refused[id]; refused {
		return nil, touch, r, ErrNotFound
	}
	e, touch = s.pending[id], s.markLocked(id)
	if e == nil || !e.has(names) {
		r, err = b.readRecords(id, names...)
	}
	return e, touch, r, err
}

// has says whether the entry has the global component and the named ones, so that the file need
// not be read.
func (e *pendingEntry) has(names []string) bool {
	if e.rev.isNew {
		return true
	}
	return e.hasBody("") && !slices.ContainsFunc(names, func(name string) bool { return !e.hasBody(name) })
}

// hasBody says whether the entry has the values of a component.
func (e *pendingEntry) hasBody(name string) bool {
	return slices.ContainsFunc(e.rev.bodies, func(c loadedComponent) bool { return c.name == name })
}

// readRecords reads a session's records from the file: in one transaction, with one copy.
func (b *BoltStore) readRecords(id ID, names ...string) (r records, err error) {
	err = b.view(func(tx *bolt.Tx) error {
		sessions := tx.Bucket(sessionsBucket)
		if sessions == nil {
			return errNoBucket
		}
		global := sessions.Bucket(globalBucket)
		if global == nil {
			return errNoBucket
		}
		raw := findRaw(global, id)
		if raw.meta == nil {
			return nil
		}
		found := findNamed(sessions, id, names)
		size := len(raw.meta) + len(raw.data)
		for _, sealed := range found {
			size += len(sealed)
		}
		buf := make([]byte, 0, size)
		r.meta, buf = copied(buf, raw.meta)
		r.global, buf = copied(buf, raw.data)
		for i, sealed := range found {
			found[i], buf = copied(buf, sealed)
		}
		r.named = found
		return nil
	})
	return r, err
}

// findNamed returns the records of components by name. They are bbolt's memory.
func findNamed(sessions *bolt.Bucket, id ID, names []string) [][]byte {
	if len(names) == 0 {
		return nil
	}
	found := make([][]byte, len(names))
	for i, name := range names {
		if name == "" {
			continue
		}
		if bucket := sessions.Bucket([]byte(name)); bucket != nil {
			found[i] = bucket.Get(id[:])
		}
	}
	return found
}

// copied appends src to buf, which has room for it, and returns the copy and the longer buf.
func copied(buf, src []byte) (copied, longer []byte) {
	if src == nil {
		return nil, buf
	}
	at := len(buf)
	buf = append(buf, src...)
	return buf[at:len(buf):len(buf)], buf
}

// reopenWait is how long after a failure reads wait for the file to be open again. Those that come
// later are told at once: requests would only pile up.
const reopenWait = time.Second

// view calls f in a read transaction. What f gets from it must not leave f. A fault of the disk
// under the mapping, which would end the process, becomes a *CorruptError.
func (b *BoltStore) view(f func(*bolt.Tx) error) error {
	file, err := b.lockFile()
	if err != nil {
		return err
	}
	defer b.fileMu.RUnlock()
	err = file.View(f)
	var panicked *boltfile.PanicError
	if errors.As(err, &panicked) || errors.Is(err, errNoBucket) {
		return &CorruptError{Path: b.path, Problem: err.Error()}
	}
	return err
}

// lockFile returns the open file with fileMu locked for reading.
func (b *BoltStore) lockFile() (*boltfile.File, error) {
	b.fileMu.RLock()
	if b.file != nil {
		return b.file, nil
	}
	reopened, wait := b.reopened, reopenWait-time.Since(b.failedAt)
	b.fileMu.RUnlock()
	if b.queue.closed() {
		return nil, ErrClosed
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-reopened:
	case <-timer.C:
		return nil, ErrFailed
	case <-b.closing:
		return nil, ErrClosed
	}
	b.fileMu.RLock()
	if b.file == nil {
		b.fileMu.RUnlock()
		return nil, ErrFailed
	}
	return b.file, nil
}
