package load

import (
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// backlog is how many requests may be under way before a peer counts as one that cannot keep up. One
// that needs half as long again for those that came counts as such, too.
const backlog = 2000

// Open has requests arrive at a fixed rate, whether or not those before are answered. A request's
// time counts from when it should have come: what waits behind a slow one is slow as well, which
// clients that wait for their answers before they ask again never see.
func Open(p peer.Peer, newClient func() Client, rate float64, d time.Duration) (result.Sample, error) {
	o := &opened{free: make(chan Client, backlog), latency: NewLatency()}
	for range backlog {
		o.free <- newClient()
	}
	runtime.GC()
	before, err := Used(p)
	if err != nil {
		return result.Sample{}, err
	}
	start := time.Now()
	saturated := o.arrive(rate, d)
	o.wg.Wait()
	s := result.Sample{Seconds: time.Since(start).Seconds(), Extra: result.Figures{}}
	if o.err != nil {
		return s, o.err
	}
	if saturated || s.Seconds > 1.5*d.Seconds() {
		s.Extra[result.Saturated] = 1
	}
	after, err := Used(p)
	if err != nil {
		return s, err
	}
	s.Ops = finish(&s, []*Latency{o.latency})
	return s, before.Fill(&s, after, p)
}

// opened is an open-loop run.
type opened struct {
	free chan Client
	wg   sync.WaitGroup

	mu      sync.Mutex
	latency *Latency
	err     error // the first one
}

// arrive starts the requests. It has a thread of its own that sleeps in the kernel, as the
// runtime's timers come up to a millisecond late when the program is idle.
func (o *opened) arrive(rate float64, d time.Duration) (saturated bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	every, start := time.Duration(float64(time.Second)/rate), time.Now()
	for n := 0; time.Duration(n)*every < d; n++ {
		due := start.Add(time.Duration(n) * every)
		if wait := time.Until(due); wait > 0 {
			sleep(wait)
		}
		select {
		case c := <-o.free:
			o.wg.Go(func() { o.visit(c, n, due) })
		default:
			return true
		}
	}
	return false
}

// sleep may return early, when a signal comes: a request is then some microseconds early.
func sleep(d time.Duration) {
	ts := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&ts, nil)
}

func (o *opened) visit(c Client, n int, due time.Time) {
	err := c(n)
	took := time.Since(due)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.latency.Add(took)
	if err != nil && o.err == nil {
		o.err = err
	}
	o.free <- c // has room for all
}
