package work

import (
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// Env is what a case works with: a peer in a process of its own.
type Env struct {
	Size
	Name    string
	Options peer.Options
	Peer    peer.Peer
	Cookies []string // of the sessions that there are

	gate *gate   // of Options.Hold
	full float64 // rate of arrivals that the peer could not keep up with, 0: none yet
}

// NewEnv opens a peer in a directory and sets a workload up with it.
func NewEnv(name, dir string, w Workload, s Size) (*Env, error) {
	g := newGate()
	e := &Env{Size: s, Name: name, gate: g}
	e.Options = peer.Options{Dir: dir, Shape: w.Shape, TouchEvery: w.Touch, Hold: g.wait}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if e.Peer, err = peer.Open(name, e.Options); err != nil {
		return nil, err
	}
	return e, w.Setup(e)
}

// fill returns a Setup that makes n sessions.
func fill(n func(Size) int) func(*Env) error {
	return func(e *Env) error { return e.grow(n(e.Size)) }
}

// Full and small numbers of sessions.
func sessions(s Size) int { return s.Sessions }
func small(s Size) int    { return s.Small }

// grow fills the peer up to n sessions.
func (e *Env) grow(n int) error {
	cookies, err := e.Peer.Fill(len(e.Cookies), n-len(e.Cookies), 0)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	e.Cookies = append(e.Cookies, cookies...)
	return nil
}

// distinct returns clients that send a route, each for sessions of its own, at random.
func (e *Env) distinct(n int, route string) []load.Client {
	clients := make([]load.Client, n)
	for i := range clients {
		v := peer.NewVisit(e.Peer)
		rng, own := rand.New(rand.NewPCG(uint64(i), 5)), len(e.Cookies)/n
		clients[i] = func(int) error { return v.Do(route, e.Cookies[rng.IntN(own)*n+i]) }
	}
	return clients
}

// shared returns clients that send a route, all for one session.
func (e *Env) shared(n int, route string) []load.Client {
	clients := make([]load.Client, n)
	for i := range clients {
		v := peer.NewVisit(e.Peer)
		clients[i] = func(int) error { return v.Do(route, e.Cookies[0]) }
	}
	return clients
}

// requestCase returns a case of clients that send a route, one request after the other.
func requestCase(name string, clients int, route string) Case {
	return Case{Name: fmt.Sprintf("%s@%d", name, clients), Run: func(e *Env) (result.Sample, error) {
		return load.Closed(e.Peer, e.distinct(clients, route), e.Round)
	}}
}

// with returns a case with peers of its own.
func (c Case) with(peers ...string) Case {
	c.Peers = peers
	return c
}

// timed returns a sample of one op that took as long as f.
func timed(p peer.Peer, f func() error) (result.Sample, error) {
	before, err := load.Used(p)
	if err != nil {
		return result.Sample{}, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return result.Sample{}, err
	}
	took := time.Since(start)
	after, err := load.Used(p)
	if err != nil {
		return result.Sample{}, err
	}
	micros := float64(took.Nanoseconds()) / 1e3
	s := result.Sample{Ops: 1, Seconds: took.Seconds(), P50: micros, P99: micros, Max: micros}
	s.Extra = result.Figures{result.Millis: micros / 1e3}
	return s, before.Fill(&s, after, p)
}
