package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/boltsession/session/bench/internal/result"
	"github.com/boltsession/session/bench/internal/work"
)

// Conductor runs workloads.
type Conductor struct {
	Size work.Size
	Dir  string                             // for the peers' files, on the disk that is to be measured
	Say  func(format string, values ...any) // tells how far it is
}

// Run runs a workload and adds what comes out to a run. In every case the peers take turns, round
// by round, so that what slows the machine down for a while meets them all.
func (c Conductor) Run(ctx context.Context, w work.Workload, run *result.Run) (err error) {
	watch := w.Name == work.Fsyncs
	if watch && !canWatch() {
		c.Say("%s: strace cannot be used here, syncs are not counted", w.Name)
		return nil
	}
	dir := filepath.Join(c.Dir, w.Name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir) // what stays is under a temporary directory
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends processes that a failure leaves
	c.Say("%s: setting up", w.Name)
	peers, err := c.start(ctx, w, dir, watch)
	if err != nil {
		return fmt.Errorf("%s: %w", w.Name, err)
	}
	for i := range w.Cases {
		if err := c.runCase(ctx, w, i, peers, run); err != nil {
			return fmt.Errorf("%s: %s: %w", w.Name, w.Cases[i].Name, err)
		}
	}
	for _, p := range peers {
		err = errors.Join(err, p.stop())
	}
	return err
}

// start starts a process for each peer; they set up at the same time.
func (c Conductor) start(ctx context.Context, w work.Workload, dir string, watch bool) (peers []*process, err error) {
	for _, name := range w.Peers {
		p, err := start(ctx, name, w, c.Size.Quick, dir, watch)
		if err != nil {
			return nil, err
		}
		peers = append(peers, p)
	}
	for _, p := range peers {
		_, heard := p.hear()
		err = errors.Join(err, heard)
	}
	return peers, err
}

// runCase runs all rounds of a case. Each round begins with another peer.
func (c Conductor) runCase(ctx context.Context, w work.Workload, number int, peers []*process, run *result.Run) error {
	what := w.Cases[number]
	var part []*process
	for _, p := range peers {
		if slices.Contains(w.PeersOf(what), p.peer) {
			part = append(part, p)
		}
	}
	rounds := w.RoundsOf(what, c.Size)
	samples := map[string][]result.Sample{}
	for round := range rounds {
		c.Say("%s: %s, round %d of %d", w.Name, what.Name, round+1, rounds)
		for i := range part {
			p := part[(i+round)%len(part)]
			s, err := p.run(number)
			if err != nil {
				return err
			}
			samples[p.peer] = append(samples[p.peer], s)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for _, p := range part {
		for _, s := range samples[p.peer] {
			run.Add(w.Name, what.Name, p.peer, s)
		}
	}
	return nil
}
