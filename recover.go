package session

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"time"

	"github.com/boltsession/session/internal/boltfile"
)

// RecoverOptions are the options of [Recover].
type RecoverOptions struct {
	// Progress is told how much of the work is done, now and then: in bytes that were read of
	// the damaged file, and as many again for the sessions that are finished.
	Progress func(done, total int64)
}

// RecoverReport is what [Recover] saved, and what is lost.
type RecoverReport struct {
	Sessions       int       `json:"sessions"`        // recovered
	Older          int       `json:"older"`           // of these, from a copy that may lack the latest changes
	Unconfirmed    int       `json:"unconfirmed"`     // of these, by a file too damaged to say that they had not been ended
	Expired        int       `json:"expired"`         // left out, because nobody could use them any more
	LostSessions   int       `json:"lost_sessions"`   // -1 when the file does not say any more how many it had
	LostComponents int       `json:"lost_components"` // of recovered sessions
	Problems       []Problem `json:"problems,omitempty"`
	Unreported     int       `json:"unreported,omitempty"` // problems that are not listed
}

// errNothing: there was nothing to recover.
var errNothing = errors.New("nothing could be recovered: no record of an unexpired session checks out")

// Recover makes a new store at dest, which must not exist (fs.ErrExist), of what checks out in the
// file at path, which is only read. opts may be nil.
//
// A record counts if its checksum does, which covers where it belongs. What the last commit's
// tree has is taken. Where a page of that is lost, sessions are looked for on pages that
// nothing leads to any more: their newest copies, unless the index of deadlines, the index of
// users or the commit before say that a session had ended by then or was another user's. So a
// session that was destroyed does not come back, and none is invented. If those are lost as
// well, there is nobody to ask: such sessions are taken and counted as Unconfirmed, and whoever
// cannot risk that a session that was logged out works again should not use the copy then.
//
// The error is ErrLocked if a process has the file open, ErrFormat if it is no store. When
// nothing was recovered, there is an error and no file. After a failure, or a crash, there is
// nothing at dest.
func Recover(ctx context.Context, path, dest string, opts *RecoverOptions) (RecoverReport, error) {
	src, err := boltfile.OpenSource(path)
	if err != nil {
		return RecoverReport{}, sourceError("recover store", err)
	}
	defer src.Close()
	if err := src.InUse(); err != nil {
		return RecoverReport{}, fmt.Errorf("%w: %w", ErrLocked, err)
	}
	if _, err := os.Lstat(dest); err == nil {
		return RecoverReport{}, &fs.PathError{Op: "create", Path: dest, Err: fs.ErrExist}
	}
	size, err := src.Size()
	if err != nil {
		return RecoverReport{}, sourceError("recover store", err)
	}
	wreck, err := boltfile.NewSalvage(src, size)
	if err != nil {
		return RecoverReport{}, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	r := newRecovery(ctx, wreck, opts)
	err = boltfile.Build(dest, src.Info(), runRebuild(r.run), func(tmp string) error {
		_, err := Check(ctx, tmp)
		return err
	})
	if err != nil {
		return r.finished(), fmt.Errorf("recover store %s: %w", path, err)
	}
	return r.finished(), nil
}

// recovery is one run of Recover.
type recovery struct {
	ctx      context.Context
	now      time.Time
	wreck    *boltfile.Salvage
	out      *rebuild
	report   RecoverReport
	progress *progress

	lost      [2]losses         // of the last commit's tree, and of the one before
	counted   int64             // sessions that the file says it had; -1: it does not
	format    formatRecords     // as far as they are there
	encrypted bool              // some record is
	names     map[string]bool   // of components that any session has
	taken     int               // sessions put into the new store
	filed     [2]ledger         // entries of the index of deadlines, kept, of the last commit and the one before
	seed      maphash.Seed      // of filed
	last      ID                // the session whose metadata was put last
	passed    ID                // the session that was last left out
	found     map[ID]*candidate // sessions of which the last commit's tree lost something
	damaged   map[uint64]string // pages with records that fail their checksum
}

func newRecovery(ctx context.Context, wreck *boltfile.Salvage, opts *RecoverOptions) *recovery {
	r := &recovery{
		ctx: ctx, now: time.Now(), wreck: wreck, counted: -1,
		names: map[string]bool{}, found: map[ID]*candidate{}, damaged: map[uint64]string{},
		filed: [2]ledger{{open: map[uint64]struct{}{}}, {open: map[uint64]struct{}{}}}, seed: maphash.MakeSeed(),
		progress: &progress{pages: int64(wreck.Pages()), size: int64(wreck.PageSize())},
	}
	if opts != nil {
		r.progress.tell = opts.Progress
	}
	return r
}

// run fills the new store.
func (r *recovery) run(out *rebuild) error {
	r.out = out
	for _, step := range []func() error{r.readCurrent, r.usable, r.readStale, r.readEvidence, r.bring} {
		if err := step(); err != nil {
			return err
		}
	}
	if r.taken == 0 {
		return errNothing
	}
	if r.encrypted {
		r.format.mark()
	}
	if err := out.putFormat(r.format.sealed); err != nil {
		return err
	}
	lostValues := func(id ID) bool {
		return r.lost[boltfile.Current].cover(dataKey("", id), "sessions", "\x00")
	}
	var err error
	r.report.Sessions, r.report.LostComponents, err = out.finish(lostValues, func(n int) error {
		r.progress.finish(n, r.taken)
		return r.ctx.Err()
	})
	return err
}

// finished returns the report.
func (r *recovery) finished() RecoverReport {
	r.report.LostSessions = -1
	if r.counted >= 0 {
		r.report.LostSessions = max(0, int(r.counted)-r.report.Sessions-r.report.Expired)
	}
	var list CheckReport
	problems, more := r.wreck.Problems()
	for _, p := range problems {
		list.add(Problem(p))
	}
	for _, page := range sortedKeys(r.damaged) {
		list.add(Problem{page, r.damaged[page]})
	}
	r.report.Problems, r.report.Unreported = list.Problems, list.Unreported+more
	return r.report
}

// progress counts pages that were read, and as many again for the sessions that are finished.
type progress struct {
	tell  func(done, total int64)
	pages int64 // of the file
	size  int64 // of each
	done  int64
}

// progressEvery is how many pages are read between two reports.
const progressEvery = 64

// page counts a page. Some are read twice, which does not count.
func (p *progress) page() {
	if p.done < p.pages {
		p.done++
	}
	if p.tell != nil && p.done%progressEvery == 0 {
		p.tell(p.done*p.size, 2*p.pages*p.size)
	}
}

// finish says that n of all sessions are finished.
func (p *progress) finish(n, all int) {
	if p.tell != nil && all > 0 {
		p.tell(p.size*(p.pages+p.pages*int64(n)/int64(all)), 2*p.pages*p.size)
	}
}
