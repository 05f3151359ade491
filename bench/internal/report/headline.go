package report

import (
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// headline is the table of what counts most, for a reader of half a minute.
func headline(run *result.Run) Table {
	apps := []string{peer.Ours, peer.SQLite, peer.Bolt, peer.Iris, peer.Gorilla, peer.Memstore}
	with := map[string]string{peer.Ours: peer.Ours, peer.SQLite: peer.SQLiteIdle, peer.Bolt: peer.BoltIdle}
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
	} {
		m := matrix{run: run, workload: line.workload}
		row := []string{line.what}
		for _, p := range apps {
			row = append(row, m.cell(line.name, p, line.metric, line.show, false))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Rows = append(t.Rows, written(run, "written per visitor, with an idle timeout", apps, func(p string) string { return with[p] }))
	t.Rows = append(t.Rows, written(run, "… without one", apps, func(p string) string {
		if p == peer.Ours {
			return "" // there is always one
		}
		return p
	}))
	t.Rows = append(t.Rows, []string{"survives a crash", "yes", "yes", "yes", "yes", "maybe torn", "no"})
	return t
}

// written is a row of what a visitor costs the disk, of the peer that stands for each column's; of none
// where there is no such peer.
func written(run *result.Run, what string, apps []string, of func(string) string) []string {
	m, row := matrix{run: run, workload: "wear"}, []string{what}
	for _, p := range apps {
		row = append(row, m.cell("visitors", of(p), result.Extra(result.PerVisitor), bytes, false))
	}
	return row
}
