//go:build linux

package race

import (
	"testing"
	"time"
)

// TestLatenciesCountStalls: a second in which next to nothing was saved counts like any other.
func TestLatenciesCountStalls(t *testing.T) {
	l := newLatencies()
	for second := range 3 {
		n, took := 5, time.Second
		if second == 0 {
			n, took = 200, time.Millisecond
		}
		for range n {
			l.add(l.start.Add(time.Duration(second)*time.Second), took)
		}
	}
	both := l.and(newLatencies())
	if l.p99() != time.Second || l.typical() != time.Second || both.count() != 210 || both.max() != time.Second {
		t.Errorf("p99 %v, median of p99 %v, %d in all, max %v", l.p99(), l.typical(), both.count(), both.max())
	}
}
