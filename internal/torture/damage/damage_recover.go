//go:build linux

package damage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// recoverStocks have what requirement 10 asks for: 10,000 sessions, and some that had ended.
var recoverStocks = []stock{
	{Name: "closed", Sessions: 11_000, Parts: true},
	{Name: "crashed", Sessions: 11_000, Parts: true, Killed: true},
}

// spoilt is a file with one bad page.
type spoilt struct {
	*sample
	page  int
	noisy bool
	seed  uint64
}

// damageRecover spoils one page at a time, and has the file recovered.
func damageRecover(ctx context.Context, t *trial.Trial) error {
	samples, err := makeSamples(ctx, t, recoverStocks)
	if err != nil {
		return err
	}
	var all []spoilt
	for i, s := range samples {
		for page := range s.pages {
			if s.isUsed(page) { // each is zeroed in one file and random in the other
				all = append(all, spoilt{s, page, (page+i)%2 == 0, t.Rand.Uint64()})
			}
		}
	}
	if t.Quick {
		all = pick(t.Rand, all, 12)
	}
	r := &recoveries{t: t, worst: 1}
	inParallel(all, func(worker int, s spoilt) {
		if err := r.recover(ctx, worker, s); err != nil && ctx.Err() == nil {
			t.Fail("%v", err)
		}
	})
	for i := range r.helpers {
		r.helpers[i].stop()
	}
	t.Figure("recover: %d files of 10,000 sessions with one bad page: at worst %.1f %% recovered, %d of them whole; %d values or sessions invented; sessions that had ended and are back: %d, of which %d counted as unconfirmed and %d the last commit's that nothing leads to any more",
		r.files, 100*r.worst, r.whole, r.invented, r.back, r.unconfirmed, r.lastCommit)
	return ctx.Err()
}

// pick picks n of all, and among them those that more depends on.
func pick(r *rand.Rand, all []spoilt, n int) (picked []spoilt) {
	for _, s := range all {
		if leads := s.image[s.page*s.pageSize+8]&1 == 1 || s.page < 2; leads && len(picked) < n/2 {
			picked = append(picked, s)
		}
	}
	for len(picked) < n {
		picked = append(picked, all[r.IntN(len(all))])
	}
	return picked
}

// recoveries are what came of all.
type recoveries struct {
	t       *trial.Trial
	helpers [parallel]helper

	mu                            sync.Mutex
	files, whole, invented        int
	back, unconfirmed, lastCommit int
	worst                         float64
}

func (r *recoveries) recover(ctx context.Context, worker int, s spoilt) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	image := bytes.Clone(s.image)
	how := "zeroed"
	if clear(image[s.page*s.pageSize:][:s.pageSize]); s.noisy {
		how = "random"
		noise(rand.New(rand.NewPCG(s.seed, 1)), image, s.page*s.pageSize, s.pageSize)
	}
	path := filepath.Join(r.t.Dir, fmt.Sprintf("spoilt-%d.db", worker))
	if err := os.WriteFile(path, image, 0o600); err != nil {
		return err
	}
	h := &r.helpers[worker]
	h.role, h.patience = "recoverer", time.Minute
	var got recovered
	err := h.ask(ctx, recoverRequest{path, path + ".recovered", s.stock}, &got)
	if err != nil && !errors.Is(err, errDied) && !errors.Is(err, errHung) {
		return err
	}
	where := fmt.Sprintf("page %d of %q %s", s.page, s.Name, how)
	if err != nil {
		r.t.Fail("%s: %v: %s", where, err, h.lastWords())
		return nil
	}
	r.judge(where, s, &got)
	return nil
}

// judge counts, and reports broken promises.
func (r *recoveries) judge(where string, s spoilt, got *recovered) {
	alive := 0
	for i := range s.Sessions {
		alive += one(s.became(i) == stays)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files++
	r.invented += len(got.Wrong)
	for _, wrong := range got.Wrong {
		r.t.Fail("%s: %s", where, wrong)
	}
	share := float64(got.Report.Sessions-len(got.Ended)) / float64(alive)
	r.worst = min(r.worst, share)
	r.whole += one(share == 1)
	if got.Error != "" || share < 0.95 {
		r.t.Fail("%s: error %q, %.1f %% of the sessions recovered", where, got.Error, 100*share)
	}
	r.back += len(got.Ended)
	switch n := len(got.Ended); {
	case n == 0:
	case n <= got.Report.Unconfirmed:
		r.unconfirmed += n
	case n == 1 && s.became(got.Ended[0]) == endsLast && got.Report.Older+got.Report.Unconfirmed+len(got.Problems) > 0 && s.isWay():
		r.lastCommit++
	default:
		r.t.Fail("%s: %d sessions had ended and are back, and only %d counted as unconfirmed", where, n, got.Report.Unconfirmed)
	}
}

// isWay says whether the page is on the way to the last commit: without it that cannot be told
// from the one before.
func (s spoilt) isWay() bool { return s.page < 2 || s.page == s.root }
