//go:build linux

package race

import (
	"slices"
	"sync"
	"time"
)

// latencies is how long calls took, by the second in which they began.
type latencies struct {
	start time.Time

	mu      sync.Mutex
	seconds [][]time.Duration
}

func newLatencies() *latencies { return &latencies{start: time.Now()} }

func (l *latencies) add(began time.Time, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	second := int(began.Sub(l.start) / time.Second)
	for len(l.seconds) <= second {
		l.seconds = append(l.seconds, nil)
	}
	l.seconds[second] = append(l.seconds[second], took)
}

// p99 returns the 99th percentile of all.
func (l *latencies) p99() time.Duration { return rank(l.all(), 0.99) }

// typical returns the median of the seconds' 99th percentiles, which a machine's few bad moments do
// not move: neither those of others nor those that are looked for.
func (l *latencies) typical() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var each []time.Duration
	for _, second := range l.seconds {
		each = append(each, rank(second, 0.99))
	}
	return rank(each, 0.5)
}

func (l *latencies) all() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Concat(l.seconds...)
}

// and returns the latencies of both.
func (l *latencies) and(other *latencies) *latencies {
	return &latencies{seconds: slices.Concat(l.seconds, other.seconds)}
}

func (l *latencies) max() time.Duration { return rank(l.all(), 1) }

func (l *latencies) count() int { return len(l.all()) }

// rank returns the value below which a part of all lies, 0 of none.
func rank(all []time.Duration, part float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))].Round(10 * time.Microsecond)
}
