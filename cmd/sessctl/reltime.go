package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// relative says when t is, seen from now, in the largest unit that fits: "3h ago", "in 57m".
func relative(t, now time.Time) string {
	switch d := t.Sub(now).Round(time.Second); {
	case d == 0:
		return "now"
	case d < 0:
		return span(-d) + " ago"
	default:
		return "in " + span(d)
	}
}

// span returns a duration of at least half a second in its largest unit, rounded to the nearest
// whole one.
func span(d time.Duration) string {
	units := []struct {
		size, end time.Duration
		name      string
	}{
		{time.Second, time.Minute, "s"}, {time.Minute, time.Hour, "m"}, {time.Hour, day, "h"}, {day, 365 * day, "d"},
	}
	for _, u := range units {
		if rounded := d.Round(u.size); rounded < u.end {
			return fmt.Sprintf("%d%s", rounded/u.size, u.name)
		}
	}
	return fmt.Sprintf("%dy", d.Round(365*day)/(365*day))
}

// durationFlag is a duration on the command line: as Go writes them, or in days.
type durationFlag time.Duration

// Set implements the flag package's Value.
func (f *durationFlag) Set(s string) error {
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok && err != nil {
		var n float64
		if n, err = strconv.ParseFloat(days, 64); !(n >= 0 && n < 100_000) { // NaN, too
			d = -1
		} else {
			d = time.Duration(n * float64(day))
		}
	}
	if err != nil || d < 0 {
		return fmt.Errorf("write it as 90s, 15m, 4h or 30d")
	}
	*f = durationFlag(d)
	return nil
}

func (f *durationFlag) String() string {
	if *f == 0 {
		return ""
	}
	return time.Duration(*f).String()
}

// Type names the value in the help.
func (*durationFlag) Type() string { return "duration" }
