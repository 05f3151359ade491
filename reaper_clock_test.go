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

// TestAlarm: a clock that is set back by a day puts off no run by a day.
func TestAlarm(t *testing.T) {
	at := func(clock string) time.Time {
		v, err := time.ParseInLocation("2 15:04:05", clock, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		return v.AddDate(2026, 0, 0)
	}
	type look struct {
		clock string
		due   bool
		wait  time.Duration
	}
	for schedule, looks := range map[string][]look{
		"@hourly": {
			{"2 10:30:00", false, time.Minute},
			{"2 10:59:30", false, 30 * time.Second},
			{"2 11:00:00", true, time.Minute},
			{"2 11:01:00", false, time.Minute},
			{"1 11:02:00", false, time.Minute}, // set back
			{"1 11:59:59", false, time.Second},
			{"1 12:00:00", true, time.Minute},
			{"2 11:00:30", true, time.Minute}, // set right
			{"2 11:59:59", false, time.Second},
			{"2 12:00:00", true, time.Minute},
		},
		"@every 90s": {
			{"2 10:00:00", false, time.Minute},
			{"2 10:01:00", false, 30 * time.Second},
			{"2 10:01:30", true, time.Minute},
			{"2 10:02:30", false, 30 * time.Second},
			{"1 10:02:40", false, time.Minute}, // set back
			{"1 10:04:10", true, time.Minute},
		},
	} {
		due, err := parseSchedule(schedule, at("2 10:00:00"))
		if err != nil {
			t.Fatal(err)
		}
		a := &alarm{due: due}
		for _, want := range looks {
			if isDue, wait := a.look(at(want.clock)); isDue != want.due || wait != want.wait {
				t.Errorf("%s at %s: due %t, wait %v; want %t, %v", schedule, want.clock, isDue, wait, want.due, want.wait)
			}
		}
	}
}

// TestAlarmMeasuresIntervals by the clock that nobody can set.
func TestAlarmMeasuresIntervals(t *testing.T) {
	due, err := parseSchedule("@every 10m", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a := &alarm{due: due}
	a.look(time.Now())
	if a.next.Round(0) == a.next {
		t.Error("the next run has no monotonic reading")
	}
}

// TestAlarmThatIsSeldomDue: February 29 is eight years away in 2097, further than schedules look.
func TestAlarmThatIsSeldomDue(t *testing.T) {
	now := time.Date(2097, 1, 1, 0, 0, 0, 0, time.Local)
	due, err := parseSchedule("0 0 29 2 *", time.Date(2026, 1, 1, 0, 0, 0, 0, time.Local))
	if err != nil {
		t.Fatal(err)
	}
	a := &alarm{due: due}
	for range 3 {
		if isDue, wait := a.look(now); isDue || wait != maxWait {
			t.Errorf("due %t, wait %v", isDue, wait)
		}
		now = now.Add(maxWait)
	}
}
