// Package work has the workloads: what sessions there are, which peers take part, and the cases
// that are run, round by round, with each of them.
package work

import (
	"slices"
	"time"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// Workload is cases over the same sessions.
type Workload struct {
	Name   string
	About  string // for the report
	Peers  []string
	Shape  peer.Shape
	Touch  time.Duration // peer.Options.TouchEvery
	Setup  func(*Env) error
	Cases  []Case
	Rounds int // of its cases, 0: those of the size; more where a gate hangs on a ratio
}

// Case is one thing that is measured. In each round all peers do it, one after the other.
type Case struct {
	Name   string
	Peers  []string // nil: all of the workload
	Rounds int      // 0: those of the workload
	Run    func(*Env) (result.Sample, error)
}

// Size is how large a run is.
type Size struct {
	Quick    bool
	Sessions int   // of the workloads of requests
	Small    int   // of those where fewer do
	Clients  []int // that requests are sent by at once
	Many     int   // where only one number of many clients is run
	Rounds   int
	Round    time.Duration // how long one takes
	Reap     int           // sessions before a reaper's run that halves them
	Short    time.Duration // life of those that expire; longer than any request takes
	Scale    []int         // numbers of sessions that a store grows to
	Rates    []int         // of arrivals per second
	Paced    time.Duration // how long each rate is held
	Visit    time.Duration // what stands for the ten minutes of a visitor
	Visitors int
	Held     int // requests in flight at once
	Fixed    int // requests before the size of the file is looked at
}

// Full is what figures are taken from.
func Full() Size {
	return Size{
		Sessions: 100_000, Small: 20_000, Clients: []int{1, 8, 64, 256}, Many: 64, Rounds: 3, Round: 600 * time.Millisecond,
		Reap: 200_000, Short: 3 * time.Second, Scale: []int{10_000, 100_000, 1_000_000},
		Rates: []int{250, 500, 1000, 2000, 4000, 8000, 16000}, Paced: 2 * time.Second,
		Visit: 6 * time.Second, Visitors: 100, Held: 5000, Fixed: 20_000,
	}
}

// Quick is enough to see that everything works.
func Quick() Size {
	return Size{
		Quick: true, Sessions: 200, Small: 200, Clients: []int{1, 8}, Many: 8, Rounds: 1, Round: 30 * time.Millisecond,
		Reap: 400, Short: 2 * time.Second, Scale: []int{100, 200, 400}, Rates: []int{250, 1000}, Paced: 100 * time.Millisecond,
		Visit: 300 * time.Millisecond, Visitors: 10, Held: 100, Fixed: 300,
	}
}

// All returns the workloads in the order in which they are run.
func All(s Size) []Workload {
	return []Workload{
		requests(s), keys(s), components(s), carts(s), touches(s), login(s), relaxed(s), encryption(s),
		save(), file(), loopback(s), paced(s), wear(s), memory(), reap(), scale(s), fsyncs(s),
	}
}

// Find returns a workload and one of its cases; ok is false when there is none of the name.
func Find(s Size, workload string) (w Workload, ok bool) {
	i := slices.IndexFunc(All(s), func(w Workload) bool { return w.Name == workload })
	if i < 0 {
		return w, false
	}
	return All(s)[i], true
}

// PeersOf returns the peers that take part in a case.
func (w Workload) PeersOf(c Case) []string {
	if c.Peers != nil {
		return c.Peers
	}
	return w.Peers
}

// RoundsOf returns the number of rounds of a case.
func (w Workload) RoundsOf(c Case, s Size) int {
	switch {
	case c.Rounds == 1, s.Quick:
		return min(1, s.Rounds)
	case c.Rounds != 0:
		return c.Rounds
	case w.Rounds != 0:
		return w.Rounds
	}
	return s.Rounds
}
