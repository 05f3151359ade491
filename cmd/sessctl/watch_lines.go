package main

import (
	"fmt"
	"io"
	"time"
)

// textLines shows samples as lines for people and logs.
type textLines struct{ w io.Writer }

func (l textLines) show(s sample) error {
	at := s.time.UTC().Format(time.RFC3339)
	if s.err != nil {
		_, err := fmt.Fprintf(l.w, "%s  %s\n", at, explain(s.err))
		return err
	}
	rate := func(n float64) string { return rateText(n, s.rated) }
	_, err := fmt.Fprintf(l.w, "%s  sessions %d  saves/s %s  commits/s %s  created/s %s  ended/s %s  pending %d  touches %d  file %s\n",
		at, s.stats.Sessions, rate(s.rates.Saves), rate(s.rates.Commits), rate(s.rates.Created), rate(s.rates.Ended),
		s.stats.Pending, s.stats.Touches, bytesText(s.stats.FileBytes))
	return err
}

func (textLines) close() error { return nil }

// rateText returns a rate for people.
func rateText(n float64, rated bool) string {
	if !rated {
		return "-"
	}
	return fmt.Sprintf("%.1f", n)
}

// jsonLines shows samples as JSON, one per line.
type jsonLines struct{ w io.Writer }

// sampleJSON is a sample in JSON.
type sampleJSON struct {
	Time      time.Time  `json:"time"`
	PerSecond *rates     `json:"per_second"` // null where there is none before to compare with
	Stats     *statsJSON `json:"stats"`      // null with an error
	Error     string     `json:"error,omitempty"`
}

func (l jsonLines) show(s sample) error {
	line := sampleJSON{Time: s.time.UTC()}
	if s.err != nil {
		line.Error = explain(s.err)
		return writeJSON(l.w, line)
	}
	line.Stats = newStatsJSON(s.stats)
	if s.rated {
		line.PerSecond = &s.rates
	}
	return writeJSON(l.w, line)
}

func (jsonLines) close() error { return nil }
