package work

import (
	"fmt"
	"syscall"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// Fsyncs is the name of the workload whose processes are watched for syncs, where that can be done.
const Fsyncs = "fsyncs"

// fsyncs is how often a peer has the disk sync. Watched processes are slow: nothing is timed.
func fsyncs(s Size) Workload {
	return Workload{
		Name:  Fsyncs,
		About: "Calls of fsync and fdatasync per read+write request, counted by strace.",
		Peers: []string{peer.Ours, peer.OursRelaxed, peer.Memstore, peer.SQLite, peer.Bolt, peer.Gorilla, peer.Iris, peer.RawPut},
		Shape: peer.Shape{Keys: 8}, Setup: fill(func(s Size) int { return min(s.Small, 1000) }), Rounds: 1,
		Cases: []Case{watched(1, 200), watched(s.Many, 20*s.Many)},
	}
}

// watched returns a case of n requests between two marks.
func watched(clients, n int) Case {
	return Case{Name: fmt.Sprintf("read+write@%d", clients), Run: func(e *Env) (result.Sample, error) {
		n := n
		if e.Quick {
			n = clients
		}
		mark()
		err := e.fixed(clients, n)
		mark()
		return result.Sample{Ops: n}, err
	}}
}

// mark makes a sync that fails, for the one who watches.
func mark() { syscall.Fsync(-1) }
