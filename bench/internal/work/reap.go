package work

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// reap is bulk expiry under load.
func reap() Workload {
	return Workload{
		Name:  "reap",
		About: "Half of the sessions have expired; they are deleted in one run of the clean-up while 8 clients send read+write requests to the others. The latencies are those of the clients during the run.",
		Peers: []string{peer.Ours, peer.SQLite, peer.Bolt}, Shape: peer.Shape{Keys: 8}, Rounds: 3,
		Setup: fill(func(s Size) int { return s.Reap / 2 }),
		Cases: []Case{{Name: "reap@8", Run: runReap}},
	}
}

const (
	writers = 8
	drawn   = 25 * time.Millisecond
)

func runReap(e *Env) (result.Sample, error) {
	expired := e.Reap / 2
	if _, err := e.Peer.Fill(len(e.Cookies), expired, e.Short); err != nil {
		return result.Sample{}, err
	}
	time.Sleep(e.Short + 200*time.Millisecond)
	r := &reaping{latencies: make([]*Latest, writers)}
	clients := e.distinct(writers, peer.Write)
	for i, send := range clients {
		r.latencies[i] = &Latest{Latency: load.NewLatency()}
		clients[i] = r.watch(r.latencies[i], send)
	}
	var n int
	var err error
	loopErr := r.during(clients, func() {
		r.start = time.Now()
		r.on.Store(true)
		n, err = e.Peer.(peer.Reaper).Reap()
		r.on.Store(false)
		r.took = time.Since(r.start)
	})
	switch {
	case err != nil:
		return result.Sample{}, err
	case loopErr != nil:
		return result.Sample{}, loopErr
	case n < expired:
		return result.Sample{}, fmt.Errorf("reaped %d of %d", n, expired)
	}
	return r.sample(e, n)
}

// reaping is a run of the clean-up with what its clients see.
type reaping struct {
	on        atomic.Bool
	start     time.Time
	took      time.Duration
	latencies []*Latest
}

// Latest is a Latency with the longest request that ended in each span of time.
type Latest struct {
	*load.Latency
	worst []time.Duration
}

// watch adds the requests that end during the run, or stand in it when it ends.
func (r *reaping) watch(l *Latest, send load.Client) load.Client {
	return func(n int) error {
		on, start := r.on.Load(), time.Now()
		err := send(n)
		if !on && !r.on.Load() {
			return err
		}
		now := time.Now()
		l.Add(now.Sub(start))
		slot := int(now.Sub(r.start) / drawn)
		for len(l.worst) <= slot {
			l.worst = append(l.worst, 0)
		}
		l.worst[slot] = max(l.worst[slot], now.Sub(start))
		return err
	}
}

// during runs f while clients send requests, from a little before it.
func (r *reaping) during(clients []load.Client, f func()) error {
	var stop atomic.Bool
	var wg sync.WaitGroup
	var err error
	wg.Go(func() { err = load.Until(clients, nil, func(time.Time) bool { return stop.Load() }) })
	time.Sleep(100 * time.Millisecond)
	f()
	stop.Store(true)
	wg.Wait()
	return err
}

func (r *reaping) sample(e *Env, n int) (result.Sample, error) {
	all := load.NewLatency()
	var worst []time.Duration
	for _, l := range r.latencies {
		all.Merge(l.Latency)
		for slot, d := range l.worst {
			for len(worst) <= slot {
				worst = append(worst, 0)
			}
			worst[slot] = max(worst[slot], d)
		}
	}
	s := result.Sample{Ops: all.Count(), Seconds: r.took.Seconds(), FileBytes: e.Peer.Size()}
	all.Fill(&s)
	s.Extra = result.Figures{result.PerSecond: float64(n) / r.took.Seconds()}
	for slot, d := range worst {
		if d > 0 {
			x := float64(slot) * drawn.Seconds() * 1e3
			s.Series = append(s.Series, result.Point{X: x, Y: float64(d.Microseconds()) / 1e3})
		}
	}
	return s, nil
}
