//go:build linux

package damage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"

	"github.com/boltsession/session"
)

// recoverRequest is a damaged file of a stock, and where its recovered copy is to be.
type recoverRequest struct {
	Path, Dest string
	Stock      stock
}

// A recovered is what session.Recover made of such a file.
type recovered struct {
	Error    string // kind
	Report   session.RecoverReport
	Ended    []int // sessions that had ended and are there
	Wrong    []string
	Problems []uint64 // the pages it names
}

// playRecoverer is the process that recovers one file after another.
func playRecoverer([]string) error {
	return answerAll(os.Stdin, os.Stdout, func(q recoverRequest) (r recovered, err error) {
		defer os.Remove(q.Dest)
		ctx := context.Background()
		before, err := os.ReadFile(q.Path)
		if err != nil {
			return r, err
		}
		r.Report, err = session.Recover(ctx, q.Path, q.Dest, nil)
		if after, readErr := os.ReadFile(q.Path); readErr != nil || !bytes.Equal(before, after) {
			r.wrong("Recover changed the damaged file: %v", readErr)
		}
		for _, p := range r.Report.Problems {
			r.Problems = append(r.Problems, p.Page)
		}
		r.Report.Problems = nil
		if r.Error = kindOf(err); err != nil {
			return r, nil
		}
		return r, r.compare(ctx, q)
	})
}

func (r *recovered) wrong(format string, args ...any) {
	if len(r.Wrong) < 5 {
		r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
	}
}

// compare compares each session of the copy to what was stored.
func (r *recovered) compare(ctx context.Context, q recoverRequest) error {
	if report, err := session.Check(ctx, q.Dest); err != nil || report.Sessions != r.Report.Sessions {
		r.wrong("the copy has %d sessions instead of %d: %v", report.Sessions, r.Report.Sessions, err)
	}
	store, err := openStock(q.Dest, q.Stock, false, io.Discard)
	if err != nil {
		r.wrong("the copy cannot be opened: %v", err)
		return nil
	}
	defer store.Close()
	k, there := q.Stock, 0
	for i := range k.Sessions {
		s, err := store.Get(ctx, k.id(i), k.parts(i)...)
		if err != nil {
			continue
		}
		there++
		if k.became(i) != stays {
			r.Ended = append(r.Ended, i)
		}
		if err := k.compare(ctx, s, i, 0); err != nil {
			r.wrong("%v", err)
		}
	}
	if there != r.Report.Sessions {
		r.wrong("the copy has %d sessions, of which %d were ever stored", r.Report.Sessions, there)
	}
	return nil
}
