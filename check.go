package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/boltsession/session/internal/boltfile"
)

// CheckReport is what [Check] found in a store's file.
type CheckReport struct {
	InUse      bool      `json:"in_use"` // by a process that may write to it
	Bytes      int64     `json:"bytes"`
	Pages      uint64    `json:"pages"`
	FreePages  uint64    `json:"free_pages"`
	Sessions   int       `json:"sessions"`           // expired ones included
	Expired    int       `json:"expired"`            // of these, and not reaped yet
	Records    int       `json:"records"`            // whose checksums were checked
	Encrypted  int       `json:"encrypted"`          // of these, values of which nothing else can be said without the key
	Leftovers  int       `json:"leftovers"`          // entries of the indexes that lead to nothing, which is no damage
	Warnings   []string  `json:"warnings,omitempty"` // what does no harm, or not yet
	Problems   []Problem `json:"problems,omitempty"` // what is damaged
	Unreported int       `json:"unreported,omitempty"`
}

// Problem is what is wrong with a store's file, or a page of it.
type Problem struct {
	Page    uint64 `json:"page,omitempty"` // 0 when no page can be named, or it is the first
	Problem string `json:"problem"`        // names no keys and no values
}

// maxProblems is how many problems a report lists.
const maxProblems = 100

// checkAttempts is how often a file is read that is written to meanwhile.
const checkAttempts = 3

// Check reads a store's file as a whole and says whether it is sound: each page and what leads to
// it, the checksum of each record, and whether the sessions, the count of them, the indexes of
// deadlines and users, and the components agree. It writes nothing.
//
// The error is a *CorruptError for a file that is damaged, and the report then lists all that was
// found; ErrFormat for one that is no store, or of a newer version; otherwise what kept it from
// being read. A file that another process has open can be checked too, between two commits. If
// none of a few attempts finds one that seems sound while commits go on, the error is
// ErrLocked, and only a backup can be checked.
func Check(ctx context.Context, path string) (CheckReport, error) {
	src, err := boltfile.OpenSource(path)
	if err != nil {
		return CheckReport{}, sourceError("check store", err)
	}
	defer src.Close()
	inUse := src.InUse()
	for attempt := 1; ; attempt++ {
		before, _ := src.TxID()
		report, err := checkSource(ctx, path, src)
		report.InUse = inUse != nil
		after, _ := src.TxID()
		var corrupt *CorruptError
		switch {
		case !errors.As(err, &corrupt), inUse == nil, before == after:
			return report, err
		case attempt == checkAttempts:
			return report, fmt.Errorf("%w: %w and is written to faster than it can be read: check a backup", ErrLocked, inUse)
		}
	}
}

// sourceError translates the errors of boltfile.OpenSource.
func sourceError(what string, err error) error {
	var path *fs.PathError
	if errors.Is(err, boltfile.ErrKind) {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if errors.As(err, &path) {
		return err // it says it all
	}
	return fmt.Errorf("session: %s: %w", what, err)
}

// checkSource is Check for a file that nobody writes to.
func checkSource(ctx context.Context, path string, src *boltfile.Source) (CheckReport, error) {
	size, err := src.Size()
	if err != nil {
		return CheckReport{}, sourceError("check store", err)
	}
	c := newChecker(time.Now(), false)
	r, err := boltfile.VerifyAt(ctx, src, size, c.visit)
	if err == nil && c.format.check() == nil && !c.even() {
		c = newChecker(c.now, true)
		r, err = boltfile.VerifyAt(ctx, src, size, c.visit)
	}
	var damage *boltfile.DamageError
	switch {
	case errors.As(err, &damage):
		return listDamage(ctx, path, src, size, damage)
	case errors.Is(err, boltfile.ErrFormat):
		return CheckReport{}, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	case err != nil:
		return CheckReport{}, fmt.Errorf("session: check store: %w", err)
	}
	report := c.report()
	report.Bytes, report.Pages, report.FreePages, report.Warnings = size, r.Pages, r.Free, r.Warnings
	if err := c.format.check(); err != nil {
		return report, fmt.Errorf("check store %s: %w", path, err)
	}
	for _, problem := range c.disagreements(r) {
		report.add(Problem{Problem: problem})
	}
	return report, report.corrupt(path)
}

// listDamage lists all that is wrong with a file in which the verification found damage.
func listDamage(ctx context.Context, path string, src *boltfile.Source, size int64, first *boltfile.DamageError) (CheckReport, error) {
	wreck, err := boltfile.NewSalvage(src, size)
	if err != nil {
		return CheckReport{}, fmt.Errorf("%w: %s: %w", ErrFormat, path, err)
	}
	c, formatLost := newChecker(time.Now(), false), false
	bad := map[uint64]error{}
	err = wreck.Walk(boltfile.Current, boltfile.Walker{
		Page: ctx.Err,
		Found: func(f boltfile.Found) error {
			if err := c.visit(f.Path, f.Key, f.Value); err != nil && len(bad) < maxProblems {
				bad[f.Page] = err
			}
			return nil
		},
		Lost: func(l boltfile.Lost) error {
			formatLost = formatLost || len(l.Path) == 0 || l.Path[0] == string(formatBucket)
			return nil
		},
	})
	if err != nil {
		return CheckReport{}, fmt.Errorf("session: check store: %w", err)
	}
	report := c.report()
	report.Bytes, report.Pages = size, wreck.Pages()
	if err := c.format.check(); err != nil && (c.format.readable || !formatLost) {
		return report, fmt.Errorf("check store %s: %w", path, err)
	}
	report.add(Problem{first.Page, first.Problem})
	problems, more := wreck.Problems()
	for _, p := range problems {
		report.add(Problem(p))
	}
	for _, page := range sortedKeys(bad) {
		report.add(Problem{page, bad[page].Error()})
	}
	report.Unreported += more
	return report, report.corrupt(path)
}

// add lists a problem, one per page.
func (r *CheckReport) add(p Problem) {
	for _, listed := range r.Problems {
		if listed.Page == p.Page && (p.Page != 0 || listed.Problem == p.Problem) {
			return
		}
	}
	if len(r.Problems) == maxProblems {
		r.Unreported++
		return
	}
	r.Problems = append(r.Problems, p)
}

// corrupt returns the first problem as an error, nil if there is none.
func (r *CheckReport) corrupt(path string) error {
	if len(r.Problems) == 0 {
		return nil
	}
	return &CorruptError{Path: path, Page: r.Problems[0].Page, Problem: r.Problems[0].Problem}
}
