package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session/admin"
)

// newTestScreen returns a screen of that size and what is written to it.
func newTestScreen(t *testing.T, width, height int) (*screen, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	s, err := openScreen(streams{in: strings.NewReader(""), out: &out}, "a\x1b.db", t.FailNow)
	if err != nil {
		t.Fatal(err)
	}
	s.size = func() (int, int) { return width, height }
	return s, &out
}

// sampleOf returns a sample with rates.
func sampleOf(at time.Time, saves float64) sample {
	return sample{
		time: at, rated: true, rates: rates{Saves: saves},
		stats: admin.Stats{
			Live: true, Process: "pid 12 (counter)", Opened: at.Add(-3 * time.Hour), Sessions: 1204, LiveSessions: 3,
			Pending: 2, Touches: 5, FileBytes: 12 << 20, FreeBytes: 1 << 20, MaxBytes: 4 << 30,
			LastReap: at.Add(-time.Minute), LastReaped: 7,
		},
	}
}

func TestScreen(t *testing.T) {
	s, out := newTestScreen(t, 60, 24)
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for _, saves := range []float64{0, 50, 100, 25} {
		out.Reset()
		if err := s.show(sampleOf(at, saves)); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.Join([]string{
		`a\x1b.db                                            03:02:01`,
		`pid 12 (counter), 3h ago`,
		``,
		`sessions  1204        in use  3`,
		`pending   2           touches 5`,
		`file      12.0 MiB, 1.0 MiB of it free, limit 4.0 GiB`,
		`reaper    1m ago, 7 sessions`,
		`state     good`,
		``,
		`per second       now      most                        newest`,
		`saves           25.0     100.0                           ▄█▂`,
		`commits          0.0       0.0                              `,
		`created          0.0       0.0                              `,
		`ended            0.0       0.0                              `,
		``,
		`q or Ctrl-C ends`,
	}, wipeLine+"\r\n")
	got, _ := strings.CutPrefix(out.String(), toTop)
	if got != want+wipeLine+wipeBelow {
		t.Errorf("drawn\n%s\nwant\n%s", got, want)
	}
}

// TestScreenFits: whatever the size, no line wraps and nothing scrolls.
func TestScreenFits(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {10, 3}, {30, 40}, {200, 10}} {
		s, out := newTestScreen(t, size[0], size[1])
		for range 300 {
			out.Reset()
			if err := s.show(sampleOf(time.Now(), 7)); err != nil {
				t.Fatal(err)
			}
		}
		text := strings.NewReplacer(toTop, "", wipeLine, "", wipeBelow, "").Replace(out.String())
		lines := strings.Split(text, "\r\n")
		if len(lines) > size[1] {
			t.Errorf("%v: %d lines", size, len(lines))
		}
		for _, line := range lines {
			if columns(line) > size[0] {
				t.Errorf("%v: %q has %d columns", size, line, columns(line))
			}
		}
	}
}

// TestScreenWithoutStore: an app that has gone leaves its last numbers, and says so.
func TestScreenWithoutStore(t *testing.T) {
	s, out := newTestScreen(t, 80, 24)
	at := time.Now()
	if err := s.show(sampleOf(at, 5)); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := s.show(sample{time: at, err: errors.New("it is gone")}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"it is gone", "sessions  1204", "saves              -       5.0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the screen does not say %q:\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := s.close(); err != nil || out.String() != leaveScreen {
		t.Errorf("close writes %q, %v", out.String(), err)
	}
}

func TestReadKeys(t *testing.T) {
	for keys, want := range map[string]bool{"xyq": true, "\x03": true, "": true} {
		quit := false
		readKeys(strings.NewReader(keys), func() { quit = true })
		if quit != want {
			t.Errorf("%q: quit is %v", keys, quit)
		}
	}
}

func TestSparkline(t *testing.T) {
	tests := []struct {
		numbers []float64
		width   int
		want    string
	}{
		{nil, 5, ""},
		{[]float64{0, 0}, 5, "  "},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7, 8}, 9, " ▁▂▃▄▅▆▇█"},
		{[]float64{0, 1e-9, 5}, 9, " ▁█"},
		{[]float64{9, 1, 2}, 2, "▄█"},
		{[]float64{9, 1, 2}, -3, ""},
	}
	for _, tt := range tests {
		if got := sparkline(tt.numbers, tt.width); got != tt.want {
			t.Errorf("%v in %d columns is %q, want %q", tt.numbers, tt.width, got, tt.want)
		}
	}
}

func TestRatesBetween(t *testing.T) {
	at := time.Now()
	a := sample{time: at, stats: admin.Stats{Saves: 10, Commits: 5, Created: 3, Ended: 9}}
	b := sample{time: at.Add(2 * time.Second), stats: admin.Stats{Saves: 30, Commits: 6, Created: 3, Ended: 2}}
	if got, want := ratesBetween(a, b), (rates{Saves: 10, Commits: 0.5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
