package work

import (
	"math/rand/v2"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// save is the store's part of a durable request.
func save() Workload {
	return Workload{
		Name:  "save",
		About: "One saver, without requests: a session of 8 values with one of them changed, against one bbolt `Put` of as many bytes among as many keys, and against a bare write with fdatasync.",
		Peers: []string{peer.Ours, peer.RawPut, peer.RawSync}, Rounds: 5, Shape: peer.Shape{Keys: 8}, Setup: fill(small),
		Cases: []Case{{Name: "save@1", Run: runSave}},
	}
}

func runSave(e *Env) (result.Sample, error) {
	saver, rng := e.Peer.(peer.Saver), rand.New(rand.NewPCG(1, 1))
	return load.Closed(e.Peer, []load.Client{func(int) error { return saver.Save(rng.IntN(len(e.Cookies))) }}, e.Round)
}

// file is how large the same data are after the same work.
func file() Workload {
	return Workload{
		Name:  "file",
		About: "The size of the file, up to the last page ever used, of the same sessions after the same number of read+write requests by 64 clients.",
		Peers: []string{peer.Ours, peer.SQLite, peer.Bolt, peer.Gorilla, peer.Iris}, Shape: peer.Shape{Keys: 8}, Setup: fill(small),
		Cases: []Case{{Name: "size", Rounds: 1, Run: runSize}},
	}
}

func runSize(e *Env) (result.Sample, error) {
	s, err := timed(e.Peer, func() error { return e.fixed(e.Many, e.Fixed) })
	if err != nil {
		return s, err
	}
	if settler, ok := e.Peer.(peer.Settler); ok {
		err = settler.Settle()
	}
	s.FileBytes = e.Peer.Size()
	s.Extra[result.FileSession] = float64(s.FileBytes) / float64(len(e.Cookies))
	return s, err
}

// fixed sends n read+write requests by clients.
func (e *Env) fixed(clients, n int) error {
	all := e.distinct(clients, peer.Write)
	errs := make(chan error, clients)
	for _, send := range all {
		go func() {
			for i := range n / clients {
				if err := send(i); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var first error
	for range all {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return first
}
