package load

import (
	"runtime"
	"sync"
	"time"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// Client sends the n-th request of one client.
type Client func(n int) error

// Closed has clients send one request after the other for a while, after a tenth of that for
// warming up, and says what it took.
func Closed(p peer.Peer, clients []Client, d time.Duration) (result.Sample, error) {
	if err := Loop(clients, nil, d/10); err != nil {
		return result.Sample{}, err
	}
	latencies := make([]*Latency, len(clients))
	for i := range latencies {
		latencies[i] = NewLatency()
	}
	runtime.GC() // no round pays for what the one before left
	before, err := Used(p)
	if err != nil {
		return result.Sample{}, err
	}
	start := time.Now()
	if err := Loop(clients, latencies, d); err != nil {
		return result.Sample{}, err
	}
	s := result.Sample{Seconds: time.Since(start).Seconds()}
	after, err := Used(p)
	if err != nil {
		return s, err
	}
	s.Ops = finish(&s, latencies)
	return s, before.Fill(&s, after, p)
}

// Loop has clients send requests for a while, and returns the first error.
func Loop(clients []Client, latencies []*Latency, d time.Duration) error {
	end := time.Now().Add(d)
	return Until(clients, latencies, func(now time.Time) bool { return !now.Before(end) })
}

// Until has clients send requests until done says so, and returns the first error.
func Until(clients []Client, latencies []*Latency, done func(now time.Time) bool) error {
	errs := make([]error, len(clients))
	var wg sync.WaitGroup
	for i, client := range clients {
		wg.Go(func() {
			start := time.Now()
			for n := 0; !done(start); n++ {
				if errs[i] = client(n); errs[i] != nil {
					return
				}
				now := time.Now()
				if latencies != nil {
					latencies[i].Add(now.Sub(start))
				}
				start = now
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// finish puts the latencies of all clients into a sample and returns how many there were.
func finish(s *result.Sample, latencies []*Latency) int {
	all := NewLatency()
	for _, l := range latencies {
		all.Merge(l)
	}
	all.Fill(s)
	return all.Count()
}
