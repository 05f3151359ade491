package work

import (
	"time"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// touches is traffic that changes nothing but when a session was last used.
func touches(s Size) Workload {
	return Workload{
		Name:  "touches",
		About: "Read-only requests where the store has to know that the session was used: with scs that is `IdleTimeout`. `touch` is the bare call.",
		Peers: []string{peer.Ours, peer.BoltIdle, peer.SQLiteIdle}, Shape: peer.Shape{Keys: 8}, Setup: fill(small),
		Cases: []Case{
			requestCase("read", 1, peer.Read), requestCase("read", s.Many, peer.Read),
			{Name: "touch", Peers: []string{peer.Ours}, Run: runTouch},
		},
	}
}

// runTouch times the call alone, in batches: a clock is slower than it.
func runTouch(e *Env) (result.Sample, error) {
	const batch = 1000
	toucher := e.Peer.(peer.Toucher)
	touch := func(int) error {
		for i := range batch {
			if err := toucher.Touch(e.Cookies[i%len(e.Cookies)]); err != nil {
				return err
			}
		}
		return nil
	}
	// What a call needs beside, the hash of the token and the clock, is taken off again.
	start := time.Now()
	for i := range batch {
		peer.TouchOverhead(e.Cookies[i%len(e.Cookies)])
	}
	overhead := float64(time.Since(start).Nanoseconds()) / batch
	s, err := load.Closed(e.Peer, []load.Client{touch}, e.Round)
	s.Extra = result.Figures{result.Nanos: s.P50*1e3/batch - overhead}
	return s, err
}
