package report

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gonum.org/v1/plot"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// Plots draws a run into a directory, one SVG for each subject that the run has something for.
func Plots(dir string, run *result.Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, draw := range map[string]func(*result.Run) (*plot.Plot, error){
		"rate.svg": drawRate, "p99.svg": drawP99, "paced.svg": drawPaced, "reap.svg": drawReap, "wear.svg": drawWear,
	} {
		p, err := draw(run)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if err := save(p, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// durable are the peers of the plots of requests. gorilla's files are not durable, and drawn so.
func durable() []string {
	return []string{peer.Ours, peer.SQLite, peer.Bolt, peer.Iris, peer.Gorilla, peer.RawPut, peer.RawSync}
}

func drawRate(run *result.Run) (*plot.Plot, error) {
	return drawClients(run, "Read+write requests, on disk when answered", "requests per second", result.Rate)
}

func drawP99(run *result.Run) (*plot.Plot, error) {
	return drawClients(run, "Read+write requests: 99 of 100 are answered within", "milliseconds", func(s result.Sample) float64 { return s.P99 / 1e3 })
}

// drawClients draws a metric against the number of clients.
func drawClients(run *result.Run, title, unit string, m result.Metric) (*plot.Plot, error) {
	c := newChart(title, "clients", unit)
	for _, p := range durable() {
		var line []result.Point
		for _, name := range run.Cases("requests") {
			clients, ok := strings.CutPrefix(name, "read+write@")
			n, err := strconv.Atoi(clients)
			v, there := run.Median("requests", name, p, m)
			if ok && err == nil && there {
				line = append(line, result.Point{X: float64(n), Y: v})
			}
		}
		if err := c.line(p, line); err != nil {
			return nil, err
		}
	}
	return c.logarithmic(), nil
}

func drawPaced(run *result.Run) (*plot.Plot, error) {
	c := newChart("Requests that come when they come: 99 of 100 are answered within", "read+write requests arriving per second", "milliseconds")
	for _, p := range []string{peer.Ours, peer.SQLite, peer.Bolt, peer.Gorilla} {
		var line []result.Point
		for _, name := range run.Cases("paced") {
			rate, err := strconv.Atoi(strings.TrimPrefix(name, "rate "))
			v, _ := run.Median("paced", name, p, result.P99)
			if err == nil && v > 0 {
				line = append(line, result.Point{X: float64(rate), Y: v / 1e3})
			}
		}
		if err := c.line(p, line); err != nil {
			return nil, err
		}
	}
	return c.logarithmic(), nil
}

// drawReap draws the last round, as a median of moments would be of none.
func drawReap(run *result.Run) (*plot.Plot, error) {
	c := newChart("Longest request of 8 clients while 100,000 of 200,000 sessions are reaped", "seconds since the reaper began", "milliseconds")
	for _, p := range []string{peer.Ours, peer.SQLite, peer.Bolt} {
		samples := run.Samples("reap", "reap@8", p)
		if len(samples) == 0 {
			continue
		}
		var line []result.Point
		for _, pt := range samples[len(samples)-1].Series {
			line = append(line, result.Point{X: pt.X / 1e3, Y: max(pt.Y, 0.01)})
		}
		if err := c.dots(p, line); err != nil {
			return nil, err
		}
	}
	return c.overTime(), nil
}

func drawWear(run *result.Run) (*plot.Plot, error) {
	c := newChart("Written to the disk for a visitor: 10 pages in 10 minutes, 2 of them with a change", "", "KiB")
	var names []string
	var values []float64
	for _, p := range peer.Names() {
		if v, ok := run.Median("wear", "visitors", p, result.Extra(result.PerVisitor)); ok {
			names, values = append(names, p), append(values, v/1024)
		}
	}
	return c.bars(names, values)
}
