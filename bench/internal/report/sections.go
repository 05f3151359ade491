package report

import (
	"slices"
	"strings"

	"github.com/boltsession/session/bench/internal/gate"
	"github.com/boltsession/session/bench/internal/result"
	"github.com/boltsession/session/bench/internal/work"
)

// Section is the tables of one subject.
type Section struct {
	Name   string
	Tables []Table
}

// Sections returns all that a run has something for.
func Sections(run *result.Run) (sections []Section) {
	for _, name := range run.Workloads() {
		sections = append(sections, Section{name, tablesOf(run, name)})
	}
	return sections
}

// tablesOf returns the tables of a workload.
func tablesOf(run *result.Run, name string) []Table {
	m := matrix{run: run, workload: name}
	rate := func() Table { return m.table("requests/s", result.Rate, count, true) }
	p99 := func() Table { return m.table("p99", result.P99, micros, false) }
	switch name {
	case "requests":
		return requestTables(m)
	case "touches":
		m.cases = slices.DeleteFunc(run.Cases(name), func(c string) bool { return c == "touch" })
		calls := matrix{run: run, workload: name, cases: []string{"touch"}}
		return []Table{rate(), m.table("bytes written per request", writeBytes, bytes, false), calls.table("per call", result.Extra(result.Nanos), nanos, false)}
	case "file":
		return []Table{m.details("size", []column{{"file", fileBytes, bytes}, {"per session", result.Extra(result.FileSession), bytes}})}
	case "memory":
		return memoryTables(m)
	case "wear":
		return []Table{m.details("visitors", []column{
			{"written per visitor", result.Extra(result.PerVisitor), bytes}, {"per request", writeBytes, bytes}, {"write calls per request", writeCalls, digits},
		})}
	case "reap":
		return []Table{m.details("reap@8", []column{
			{"sessions reaped/s", result.Extra(result.PerSecond), count}, {"clients' requests/s", result.Rate, count},
			{"p50", result.P50, micros}, {"p99", result.P99, micros}, {"longest", result.Max, micros},
		})}
	case "scale":
		return scaleTables(m)
	case "paced":
		return []Table{m.flipped("p50", result.P50, orSaturated), m.flipped("p99", result.P99, orSaturated), m.flipped("max", result.Max, orSaturated)}
	case "save":
		return []Table{m.table("saves/s", result.Rate, count, true), m.table("p50", result.P50, micros, false), m.table("p99", result.P99, micros, false)}
	case "login":
		return []Table{m.table("visitors/s", result.Rate, count, true), m.table("p99", result.P99, micros, false), m.table("commits per visitor", commits, orNothing, false)}
	case work.Fsyncs:
		return []Table{m.table("fsyncs per request", result.Extra(result.Fsyncs), digits, false)}
	}
	return []Table{rate(), p99()}
}

func requestTables(m matrix) []Table {
	cost := []column{
		{"allocs", func(s result.Sample) float64 { return s.Allocs }, count},
		{"heap", func(s result.Sample) float64 { return s.AllocBytes }, bytes},
		{"written", writeBytes, bytes}, {"write calls", writeCalls, digits},
		{"commits", commits, orNothing},
		{"file", fileBytes, bytes}, {"RSS", func(s result.Sample) float64 { return float64(s.RSS) }, bytes},
	}
	tables := []Table{
		m.table("requests/s", result.Rate, count, true), m.table("p50", result.P50, micros, false),
		m.table("p99", result.P99, micros, false), m.table("max", result.Max, micros, false),
	}
	for _, c := range m.columns() {
		if slices.Contains([]string{"read@1", "read+write@1", "read+write@64"}, c) {
			tables = append(tables, m.details(c, cost))
		}
	}
	m.cases = slices.DeleteFunc(m.columns(), func(c string) bool { return !strings.HasPrefix(c, "shared") })
	return append(tables, m.table("lost updates", result.Extra(result.Lost), percent, false))
}

func memoryTables(m matrix) []Table {
	return []Table{
		m.details("idle", []column{{"heap", result.Extra(result.IdleBytes), bytes}, {"RSS", result.Extra(result.IdleRSS), bytes}}),
		m.details("live", []column{{"heap", result.Extra(result.LiveBytes), bytes}}),
	}
}

// scaleTables has a table for each peer, as their sizes are the columns.
func scaleTables(m matrix) (tables []Table) {
	for _, p := range m.peers() {
		own := m
		own.cases = slices.DeleteFunc(m.columns(), func(c string) bool { return !slices.Contains(m.run.Peers(m.workload, c), p) })
		t := own.of(p, func(kind string) (result.Metric, unit) {
			if kind == "length" {
				return result.Extra(result.Nanos), nanos
			}
			return result.P50, micros
		})
		own.cases = slices.DeleteFunc(own.cases, func(c string) bool { return !strings.HasPrefix(c, "open") })
		size := own.of(p, func(string) (result.Metric, unit) { return fileBytes, bytes })
		for _, row := range size.Rows {
			t.Rows = append(t.Rows, append([]string{"file"}, row[1:]...))
		}
		tables = append(tables, t)
	}
	return tables
}

// GateTable returns the gates with what the run says to them.
func GateTable(verdicts []gate.Verdict) Table {
	t := Table{Title: "gates", Head: []string{"what", "gate", "reached", ""}}
	for _, v := range verdicts {
		line := v.Line()
		t.Rows = append(t.Rows, line[:])
	}
	return t
}

func commits(s result.Sample) float64    { return s.Commits }
func writeBytes(s result.Sample) float64 { return s.WriteBytes }
func writeCalls(s result.Sample) float64 { return s.WriteCalls }
func fileBytes(s result.Sample) float64  { return float64(s.FileBytes) }

// orNothing writes a number; peers that do not count have none.
func orNothing(v float64) string {
	if v == 0 {
		return nothing
	}
	return digits(v)
}

// orSaturated writes microseconds; a peer that could not keep up is given by none.
func orSaturated(v float64) string {
	if v == 0 {
		return "saturated"
	}
	return micros(v)
}
