package work

import (
	"fmt"
	"math/rand/v2"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// loopback is requests over real HTTP, to see what is left of a difference.
func loopback(s Size) Workload {
	w := Workload{
		Name:  "loopback",
		About: "The requests over real HTTP on a loopback socket, 64 clients with a connection each, in the same process and on the same cores. All other workloads call the handler without a socket.",
		Peers: []string{peer.Ours, peer.Memstore, peer.SQLite, peer.Bolt, peer.Gorilla, peer.Iris, peer.None}, Shape: peer.Shape{Keys: 8}, Setup: fill(small),
	}
	w.Cases = []Case{
		{Name: fmt.Sprintf("read@%d", s.Many), Run: runLoopback(peer.Read, s.Many)},
		{Name: fmt.Sprintf("read+write@%d", s.Many), Run: runLoopback(peer.Write, s.Many)},
	}
	return w
}

func runLoopback(route string, clients int) func(*Env) (result.Sample, error) {
	return func(e *Env) (result.Sample, error) {
		socket, err := load.Listen(e.Peer, clients)
		if err != nil {
			return result.Sample{}, err
		}
		defer socket.Close()
		all := make([]load.Client, clients)
		for i := range all {
			rng, own := rand.New(rand.NewPCG(uint64(i), 6)), len(e.Cookies)/clients
			all[i] = func(int) error { return socket.Do(route, e.Cookies[rng.IntN(own)*clients+i]) }
		}
		return load.Closed(e.Peer, all, e.Round)
	}
}
