package work

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

const (
	visit      = 10 * time.Minute // of a typical visitor
	pages      = 10               // that such a visitor looks at
	touchEvery = 30 * time.Second // BoltOptions.TouchInterval, as it is by default
)

// wear is what a visitor costs a disk. Ten minutes pass in seconds: the visitors come faster by a
// factor, and our touches are flushed more often by the same factor, so that as many requests fall
// between two flushes as would. With few enough visitors saves still are alone in their commits.
func wear(s Size) Workload {
	return Workload{
		Name:  "wear",
		About: "Visitors who look at 10 pages in 10 minutes and change something on 2 of them; 100 of them at a time. The pace is higher by a factor, and `TouchInterval` shorter by the same one. What is owed to the disk at the end is counted. scs knows nothing of pages that change nothing, unless it has an `IdleTimeout`, which is what our sessions have.",
		Peers: []string{peer.Ours, peer.SQLite, peer.SQLiteIdle, peer.Bolt, peer.BoltIdle, peer.Gorilla, peer.Iris},
		Shape: peer.Shape{Keys: 8}, Touch: touchEvery / (visit / s.Visit), Setup: fill(small), Rounds: 2,
		Cases: []Case{{Name: "visitors", Run: runWear}},
	}
}

func runWear(e *Env) (result.Sample, error) {
	start := time.Now()
	before, err := load.Used(e.Peer)
	if err != nil {
		return result.Sample{}, err
	}
	errs := make([]error, e.Visitors)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = e.visitor(i, start) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return result.Sample{}, err
		}
	}
	time.Sleep(2 * e.Options.TouchEvery) // the last touches are flushed
	if settler, ok := e.Peer.(peer.Settler); ok {
		if err := settler.Settle(); err != nil {
			return result.Sample{}, err
		}
	}
	after, err := load.Used(e.Peer)
	if err != nil {
		return result.Sample{}, err
	}
	s := result.Sample{Ops: e.Visitors * pages, Seconds: time.Since(start).Seconds()}
	err = before.Fill(&s, after, e.Peer)
	s.Extra = result.Figures{result.PerVisitor: s.WriteBytes * pages}
	return s, err
}

// visitor looks at a page in each tenth of the time, at some moment of it, and changes something on
// the third and the eighth.
func (e *Env) visitor(i int, start time.Time) error {
	v, rng := peer.NewVisit(e.Peer), rand.New(rand.NewPCG(uint64(i), 8))
	cookie, slot := e.Cookies[(i*7919)%len(e.Cookies)], e.Visit/pages
	for page := range pages {
		time.Sleep(time.Until(start.Add(time.Duration(page)*slot + time.Duration(rng.Int64N(int64(slot))))))
		route := peer.Read
		if page == 2 || page == 7 {
			route = peer.Write
		}
		if err := v.Do(route, cookie); err != nil {
			return err
		}
	}
	return nil
}
