package session

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestReaperSkipsOnceWhenClockWasSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		r, log := startReaper(t, "@hourly", func(context.Context) (int, error) {
			runs.Add(1)
			return 0, nil
		})
		time.Sleep(90 * time.Minute)
		r.mu.Lock()
		r.clock.wall = r.clock.wall.Add(-2 * time.Minute) // as if the clock had been behind then
		r.mu.Unlock()
		time.Sleep(time.Hour)
		if got := runs.Load(); got != 1 || !r.Last().Skipped {
			t.Errorf("%d runs, Last is %+v; want the second skipped", got, r.Last())
		}
		if _, err := r.Reap(t.Context()); err != nil || runs.Load() != 2 {
			t.Errorf("told to, it ran %d times, %v", runs.Load(), err)
		}
		time.Sleep(time.Hour)
		if got := runs.Load(); got != 3 || r.Last().Skipped {
			t.Errorf("%d runs, Last is %+v; want it to run again", got, r.Last())
		}
		if !strings.Contains(log.String(), "set forward") {
			t.Errorf("log: %s", log)
		}
	})
}

func TestClockWatch(t *testing.T) {
	start := time.Unix(1e9, 0)
	c := newClockWatch(start)
	wall, mono := start, time.Duration(0)
	steps := []struct {
		name       string
		wall, mono time.Duration // passed since the step before
		want       bool
	}{
		{"both pass", time.Hour, time.Hour, false},
		{"slewed", time.Hour + 59*time.Second, time.Hour, false},
		{"a minute", time.Hour + time.Minute, time.Hour, false},
		{"set forward", time.Hour + 61*time.Second, time.Hour, true},
		{"and then on", time.Hour, time.Hour, false},
		{"set back", -time.Hour, time.Hour, false},
		{"set right again", 3 * time.Hour, time.Hour, true},
		{"from 1970", 30 * 365 * 24 * time.Hour, time.Minute, true},
	}
	for _, step := range steps {
		wall, mono = wall.Add(step.wall), mono+step.mono
		if got := c.setForward(wall, mono); got != step.want {
			t.Errorf("%s: %t", step.name, got)
		}
	}
}
