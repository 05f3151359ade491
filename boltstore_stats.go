package session

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	bolt "go.etcd.io/bbolt"
)

// Stats is what a BoltStore tells of itself. The counts of work are since it was opened.
type Stats struct {
	Format       int       `json:"format"`        // version of the file format, see docs/format.md
	Sessions     int       `json:"sessions"`      // in the file, expired ones that are not reaped included
	Created      uint64    `json:"created"`       // new sessions that were stored
	Ended        uint64    `json:"ended"`         // sessions destroyed, revoked, cleared or reaped; not renewed
	Saves        uint64    `json:"saves"`         // that were stored, with SyncEvery accepted
	Commits      uint64    `json:"commits"`       // transactions that changed something
	Ops          uint64    `json:"ops"`           // saves, ends and other ops in these
	LargestGroup int       `json:"largest_group"` // ops in one commit, at most
	Rekeyed      uint64    `json:"rekeyed"`       // records that Rekey has been at, those included that needed nothing
	Reopens      uint64    `json:"reopens"`       // times that the file was opened again after a failure
	Pending      int       `json:"pending"`       // sessions with accepted saves that are not committed
	PendingBytes int64     `json:"pending_bytes"` // their values, encoded
	Touches      int       `json:"touches"`       // sessions with touches that are not committed
	Refused      int       `json:"refused"`       // ends that could not be stored yet: of a session, or of all that a Clear or DestroyUser covers
	FileBytes    int64     `json:"file_bytes"`    // up to the last page ever used
	FreeBytes    int64     `json:"free_bytes"`    // of these, in free pages; Compact gives them back
	MaxBytes     int64     `json:"max_bytes"`     // BoltOptions.MaxSize
	LastReap     time.Time `json:"last_reap"`     // when the last run began; zero before the first
	LastReaped   int       `json:"last_reaped"`   // sessions that it deleted
	LastReapErr  string    `json:"last_reap_error,omitempty"`
	Opened       time.Time `json:"opened"`        // when Open returned the store
	LiveSessions int       `json:"live_sessions"` // in use by requests, of Managers over the store itself
	Failed       bool      `json:"failed"`        // writes fail until the file is open again
	Full         bool      `json:"full"`          // new sessions get ErrFull
}

// boltStats are the counters behind Stats.
type boltStats struct {
	created, ended, saves          atomic.Uint64
	commits, ops, largest, reopens atomic.Uint64
	rekeyed                        atomic.Uint64
	size, free                     atomic.Int64
	opened                         time.Time

	mu          sync.Mutex
	lastReap    time.Time
	lastReaped  int
	lastReapErr error
}

// Stats returns what the store tells of itself. It reads no file.
func (b *BoltStore) Stats() Stats {
	s := &b.stats
	s.mu.Lock()
	defer s.mu.Unlock()
	reapErr := ""
	if s.lastReapErr != nil {
		reapErr = s.lastReapErr.Error()
	}
	return Stats{
		Format: formatVersion, Sessions: int(b.count.Load()),
		Created: s.created.Load(), Ended: s.ended.Load(), Saves: s.saves.Load(), Commits: s.commits.Load(), Ops: s.ops.Load(),
		LargestGroup: int(s.largest.Load()), Reopens: s.reopens.Load(), Rekeyed: s.rekeyed.Load(),
		Pending: int(b.mem.pending.Load()), PendingBytes: b.mem.bytes.Load(),
		Touches: int(b.mem.touches.Load()), Refused: int(b.mem.refused.Load()),
		FileBytes: s.size.Load(), FreeBytes: s.free.Load(), MaxBytes: b.opts.MaxSize,
		LastReap: s.lastReap, LastReaped: s.lastReaped, LastReapErr: reapErr,
		Opened: s.opened, LiveSessions: b.proxy().lives(),
		Failed: b.queue.refusal() == ErrFailed, Full: b.crowded() || b.flushFull.Load(),
	}
}

// committed counts a commit. Only the committer calls it.
func (s *boltStats) committed(ops int) {
	s.commits.Add(1)
	s.ops.Add(uint64(ops))
	s.largest.Store(max(s.largest.Load(), uint64(ops)))
}

// saved counts a save that came back with err, and returns that.
func (s *boltStats) saved(isNew bool, err error) error {
	if err == nil {
		s.saves.Add(1)
		if isNew {
			s.created.Add(1)
		}
	}
	return err
}

// settled counts what a committed task ended, also when nobody waited for it.
func (s *boltStats) settled(t *task) {
	if t.err == nil && (t.ends() || t.kind == opReap) {
		s.ended.Add(uint64(t.count))
	}
}

// reaped notes a run of the reaper.
func (s *boltStats) reaped(start time.Time, n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastReap, s.lastReaped, s.lastReapErr = start, n, err
}

// measureTx notes how much of the file is in use as a write transaction begins.
func (b *BoltStore) measureTx(tx *bolt.Tx) {
	s, page := tx.DB().Stats(), int64(tx.DB().Info().PageSize)
	b.measure(tx.Size(), int64(s.FreePageN+s.PendingPageN)*page)
}

// measureFile notes how much of a file is in use that was just opened.
func (b *BoltStore) measureFile(f *boltfile.File) {
	r := f.Report()
	b.measure(int64(r.Pages)*int64(r.PageSize), int64(r.Free)*int64(r.PageSize))
}

// measure notes how large the file is and how much of it is free.
func (b *BoltStore) measure(size, free int64) {
	b.stats.size.Store(size)
	b.stats.free.Store(free)
}

// crowded says whether new sessions must stop: with what is pending, 90 % of MaxSize are in use.
// Pages are half full after a split, and copied before the old ones are free: pending bytes count
// four times.
func (b *BoltStore) crowded() bool {
	used := b.stats.size.Load() - b.stats.free.Load() + 4*b.mem.bytes.Load()
	limit := b.opts.MaxSize
	return used > (fileEnd(limit)-reserve(limit, int64(os.Getpagesize())))/10*9
}

// fileEnd is how far a file is used. bbolt refuses to grow one that could not grow once more.
func fileEnd(maxSize int64) int64 { return maxSize - int64(growStep(maxSize)) }

// growStep is by how much a file grows. bbolt's own 16 MiB are much for a small device.
func growStep(maxSize int64) int { return int(min(max(maxSize/256, 32<<10), 1<<20)) }
