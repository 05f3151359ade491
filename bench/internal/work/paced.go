package work

import (
	"fmt"
	"sync/atomic"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// paced is an open loop: requests come when they come.
func paced(s Size) Workload {
	w := Workload{
		Name:  "paced",
		About: "Read+write requests that arrive at a fixed rate, whether or not those before are answered (an open loop, no coordinated omission). A peer that has 2,000 of them under way, or needs half as long again for those that came, cannot keep up: it is saturated.",
		Peers: []string{peer.Ours, peer.SQLite, peer.Bolt, peer.Gorilla}, Shape: peer.Shape{Keys: 8}, Setup: fill(small), Rounds: 3,
	}
	for _, rate := range s.Rates {
		w.Cases = append(w.Cases, Case{Name: fmt.Sprintf("rate %d", rate), Run: runPaced(float64(rate))})
	}
	return w
}

func runPaced(rate float64) func(*Env) (result.Sample, error) {
	return func(e *Env) (result.Sample, error) {
		if e.full != 0 && e.full <= rate { // nor can it keep up now
			return result.Sample{Extra: result.Figures{result.Saturated: 1}}, nil
		}
		var next atomic.Int64
		client := func() load.Client {
			v := peer.NewVisit(e.Peer)
			return func(int) error {
				i := next.Add(1) * 7919 // a session comes again when all others have been
				return v.Do(peer.Write, e.Cookies[int(i)%len(e.Cookies)])
			}
		}
		s, err := load.Open(e.Peer, client, rate, e.Paced)
		if err == nil && s.Extra[result.Saturated] != 0 {
			e.full = rate
			return result.Sample{Extra: s.Extra}, nil // how long requests waited says nothing
		}
		return s, err
	}
}
