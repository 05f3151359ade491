// Package load drives an app: clients that send one request after the other, clients that come when
// they come, and what that costs the process.
package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/boltsession/session/bench/internal/result"
)

// Latency collects how long requests took, of one goroutine. It does not allocate while it does.
type Latency struct{ h *hdrhistogram.Histogram }

const longest = 2 * time.Minute // counts what took longer as that

// NewLatency returns an empty Latency, exact to about 1 %.
func NewLatency() *Latency { return &Latency{hdrhistogram.New(1, int64(longest), 2)} }

// Add adds a request.
func (l *Latency) Add(d time.Duration) {
	l.h.RecordValue(min(max(1, int64(d)), int64(longest))) // in range, so that there is no error
}

// Reset forgets all requests.
func (l *Latency) Reset() { l.h.Reset() }

// Merge adds the requests of another one.
func (l *Latency) Merge(from *Latency) { l.h.Merge(from.h) }

// Count returns how many requests there were.
func (l *Latency) Count() int { return int(l.h.TotalCount()) }

// Fill puts the percentiles into a sample.
func (l *Latency) Fill(s *result.Sample) {
	s.P50 = float64(l.h.ValueAtQuantile(50)) / 1e3
	s.P99 = float64(l.h.ValueAtQuantile(99)) / 1e3
	s.Max = float64(l.h.Max()) / 1e3
}
