package work

import (
	"sync"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// memory is what sessions cost of it.
func memory() Workload {
	apps := []string{peer.Ours, peer.Memstore, peer.SQLite, peer.Bolt, peer.Gorilla, peer.Iris}
	return Workload{
		Name:  "memory",
		About: "The heap after garbage collections. `idle`: what it grows by with each session that nobody uses; pages of mapped files are in RSS and not in it. `live`: what it grows by with each request that is in its handler, the request itself and its goroutine included.",
		Peers: append(apps, peer.None), Shape: peer.Shape{Keys: 8}, Setup: func(*Env) error { return nil },
		Cases: []Case{{Name: "idle", Rounds: 1, Peers: apps, Run: runIdle}, {Name: "live", Rounds: 1, Run: runLive}},
	}
}

// runIdle compares a few sessions with many. The cookies are in memory as well, and taken off.
func runIdle(e *Env) (result.Sample, error) {
	few := e.Sessions / 100
	if err := e.grow(few); err != nil {
		return result.Sample{}, err
	}
	heap, rss, err := e.used()
	if err != nil {
		return result.Sample{}, err
	}
	if err := e.grow(e.Sessions); err != nil {
		return result.Sample{}, err
	}
	grown, grownRSS, err := e.used()
	n := float64(e.Sessions - few)
	return result.Sample{Extra: result.Figures{
		result.IdleBytes: (grown - heap) / n, result.IdleRSS: (grownRSS - rss) / n,
	}}, err
}

// used returns heap and RSS without the cookies, which are dropped: the sessions are idle for good.
func (e *Env) used() (heap, rss float64, err error) {
	e.Cookies = make([]string, len(e.Cookies))
	if f, ok := e.Peer.(peer.Forgetter); ok {
		f.Forget()
	}
	heap = float64(load.Heap()) - float64(len(e.Cookies)*16)
	n, err := load.RSS()
	return heap, float64(n), err
}

// runLive holds requests in their handlers.
func runLive(e *Env) (result.Sample, error) {
	e.Cookies = nil
	if err := e.grow(e.Held); err != nil {
		return result.Sample{}, err
	}
	heap := load.Heap()
	there := make(chan struct{}, 2*e.Held) // in its handler, or failed
	release := e.gate.shut(there)
	errs := make([]error, e.Held)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			errs[i] = peer.NewVisit(e.Peer).Do(peer.Hold, e.Cookies[i])
			there <- struct{}{}
		})
	}
	for range errs {
		<-there
	}
	grown := load.Heap()
	release()
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return result.Sample{}, err
		}
	}
	return result.Sample{Extra: result.Figures{result.LiveBytes: (float64(grown) - float64(heap)) / float64(e.Held)}}, nil
}
