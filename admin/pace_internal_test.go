package admin

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	now := time.Now()
	p := pace{burst: 3, each: time.Second}
	for _, step := range []struct {
		after   time.Duration
		forgive int
		want    time.Duration
	}{
		{0, 0, 0}, {0, 0, 0}, {0, 0, 0}, // the burst
		{0, 0, time.Second},
		{900 * time.Millisecond, 0, 100 * time.Millisecond},
		{100 * time.Millisecond, 0, 0}, // one each second
		{0, 0, time.Second},
		{0, 1, 0}, // one of them has asked for something
		{0, 0, time.Second},
		{time.Hour, 0, 0}, {0, 0, 0}, {0, 0, 0}, // a burst again, and no more
		{0, 0, time.Second},
		{time.Hour, 100, 0}, {0, 0, 0}, {0, 0, 0}, // nor can that be saved up
		{0, 0, time.Second},
	} {
		now = now.Add(step.after)
		for range step.forgive {
			p.charge(-time.Second)
		}
		if got := p.wait(now); got != step.want {
			t.Fatalf("%+v: wait %v", step, got)
		}
	}
}
