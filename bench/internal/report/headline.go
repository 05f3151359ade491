package report

import (
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// headline is the table of what counts most, for a reader of half a minute.
func headline(run *result.Run) Table {
	apps := []string{peer.Ours, peer.SQLite, peer.Bolt, peer.Iris, peer.Gorilla, peer.Memstore}
	t := Table{Title: "headline", Head: append([]string{""}, apps...)}
	for _, line := range []struct {
		what, workload, name string
		metric               result.Metric
		show                 unit
	}{
		{"read-only requests/s, 1 client", "requests", "read@1", result.Rate, count},
		{"read+write requests/s, 1 client", "requests", "read+write@1", result.Rate, count},
		{"… 8 clients", "requests", "read+write@8", result.Rate, count},
		{"… 64 clients", "requests", "read+write@64", result.Rate, count},
		{"… 256 clients", "requests", "read+write@256", result.Rate, count},
		{"p99 at 64 clients", "requests", "read+write@64", result.P99, micros},
		{"updates lost, 8 clients in one session", "requests", "shared@8", result.Extra(result.Lost), percent},
		{"heap per idle session", "memory", "idle", result.Extra(result.IdleBytes), bytes},
		{"written per visitor", "wear", "visitors", result.Extra(result.PerVisitor), bytes},
	} {
		m := matrix{run: run, workload: line.workload}
		row := []string{line.what}
		for _, p := range apps {
			row = append(row, m.cell(line.name, p, line.metric, line.show, false))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Rows = append(t.Rows, []string{"survives a crash", "yes", "yes", "yes", "yes", "maybe torn", "no"})
	return t
}
