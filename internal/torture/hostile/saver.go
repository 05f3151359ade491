//go:build linux

package hostile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// saver saves sessions of an app, and says how long that takes.
type saver struct {
	store *session.BoltStore
	own   []*session.Session
	n     int
}

// savers is how many save at a time when that is measured.
const savers = 4

// latency is what came of it.
type latency struct {
	Saves    int
	P50, P99 time.Duration
}

// fill makes n sessions.
func (s *saver) fill(n int) error {
	ctx := context.Background()
	var wg sync.WaitGroup
	errs := make([]error, 64)
	for i := range errs {
		wg.Go(func() {
			for j := i; j < n && errs[i] == nil; j += len(errs) {
				_, errs[i] = s.add(ctx, fmt.Sprintf("user %d", j))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// add stores one more session.
func (s *saver) add(ctx context.Context, user string) (*session.Session, error) {
	one, err := s.store.Create(ctx, session.TokenID(randomToken()))
	if err == nil {
		err = errors.Join(one.SetUser(user), one.Set(aKey, aValue))
	}
	if err == nil {
		err = s.store.Save(ctx, one)
	}
	return one, err
}

// measure saves for a while, and longer if the disk is slow.
func (s *saver) measure() (latency, error) {
	ctx := context.Background()
	for len(s.own) < savers {
		one, err := s.add(ctx, "saver")
		if err != nil {
			return latency{}, err
		}
		s.own = append(s.own, one)
	}
	var wg sync.WaitGroup
	took, errs := make([][]time.Duration, savers), make([]error, savers)
	start := time.Now()
	s.n++
	for i, one := range s.own {
		wg.Go(func() {
			for n := 0; errs[i] == nil && (time.Since(start) < measured || n < 400/savers && time.Since(start) < 6*measured); n++ {
				begun := time.Now()
				if errs[i] = one.Set("n", fmt.Sprint(s.n, n)); errs[i] == nil {
					errs[i] = s.store.Save(ctx, one)
				}
				took[i] = append(took[i], time.Since(begun))
			}
		})
	}
	wg.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	return latency{len(all), all[len(all)/2], all[len(all)*99/100]}, errors.Join(errs...)
}

// measured is for how long saves are measured at a time.
const measured = 500 * time.Millisecond
