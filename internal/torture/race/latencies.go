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

// p99 returns the median of the seconds' 99th percentiles: on a machine that others use as well, the
// percentile of all would be that of its worst moment.
func (l *latencies) p99() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var each []time.Duration
	for _, second := range l.seconds {
		if len(second) >= 100 {
			each = append(each, rank(second, 0.99))
		}
	}
	if len(each) == 0 {
		return rank(slices.Concat(l.seconds...), 0.99)
	}
	return rank(each, 0.5)
}

func (l *latencies) max() time.Duration { return rank(slices.Concat(l.seconds...), 1) }

func (l *latencies) count() int { return len(slices.Concat(l.seconds...)) }

// rank returns the value below which a part of all lies, 0 of none.
func rank(all []time.Duration, part float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, int(part*float64(len(sorted))))].Round(10 * time.Microsecond)
}
