package load_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/boltsession/session/bench/internal/load"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

func none(t *testing.T) peer.Peer {
	t.Helper()
	p, err := peer.Open(peer.None, peer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLatency(t *testing.T) {
	l, other := load.NewLatency(), load.NewLatency()
	for i := 1; i <= 99; i++ {
		l.Add(time.Duration(i) * time.Microsecond)
	}
	other.Add(time.Hour) // longer than is told apart
	l.Merge(other)
	var s result.Sample
	l.Fill(&s)
	near := func(got, want float64) bool { return got > want*0.98 && got < want*1.02 }
	if l.Count() != 100 || !near(s.P50, 50) || !near(s.P99, 99) || !near(s.Max, 120e6) {
		t.Errorf("%d requests, p50 %v, p99 %v, max %v", l.Count(), s.P50, s.P99, s.Max)
	}
}

func TestClosedCountsEveryRequest(t *testing.T) {
	var sent atomic.Int64
	client := func(int) error { sent.Add(1); return nil }
	s, err := load.Closed(none(t), []load.Client{client, client}, 10*time.Millisecond)
	if err != nil || s.Ops == 0 || int64(s.Ops) > sent.Load() || s.Seconds < 0.01 || s.RSS == 0 {
		t.Errorf("%+v of %d sent, %v", s, sent.Load(), err)
	}
	bad := errors.New("bad")
	if _, err := load.Closed(none(t), []load.Client{client, func(int) error { return bad }}, time.Millisecond); err != bad {
		t.Errorf("the error of a client became %v", err)
	}
}

// TestOpenCountsWaiting: one server that takes turns makes those wait who come meanwhile, and the
// time counts from when they should have come. It cannot keep up, and that is told.
func TestOpenCountsWaiting(t *testing.T) {
	turn := make(chan struct{}, 1)
	const each, n = 4 * time.Millisecond, 20
	client := func() load.Client {
		return func(int) error {
			turn <- struct{}{}
			defer func() { <-turn }()
			<-time.After(each)
			return nil
		}
	}
	s, err := load.Open(none(t), client, 1000, n*time.Millisecond)
	if err != nil || s.Ops != n || s.Extra[result.Saturated] == 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	// The last one comes after 19 ms and has its turn after 76.
	if least := float64((n-1)*(each-time.Millisecond)) / 1e3; s.Max < least*0.98 {
		t.Errorf("the longest took %v µs, less than %v", s.Max, least)
	}
}
