package report

import (
	"slices"
	"strings"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

const nothing = "–" // what was not run

// matrix has a row for each peer and a column for each case of a workload.
type matrix struct {
	run      *result.Run
	workload string
	cases    []string // nil: all
}

// table returns a metric's medians. With a ratio there is, behind each of a peer other than the
// first, what the first one's is of it.
func (m matrix) table(title string, metric result.Metric, show unit, ratio bool) Table {
	t := Table{Title: m.workload + ": " + title, Head: append([]string{title}, m.columns()...)}
	for _, p := range m.peers() {
		row := []string{p}
		for _, c := range m.columns() {
			row = append(row, m.cell(c, p, metric, show, ratio))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (m matrix) cell(name, p string, metric result.Metric, show unit, ratio bool) string {
	v, ok := m.run.Median(m.workload, name, p, metric)
	if !ok {
		return nothing
	}
	if first := m.peers()[0]; p != first && ratio {
		if r, ok := m.run.Ratio(m.workload, name, first, p, metric); ok {
			return show(v) + " (" + times(r) + ")"
		}
	}
	return show(v)
}

// of returns a row for each kind of case, which is what their names begin with, and a column for
// each size, which is what they end with, of one peer.
func (m matrix) of(p string, metric func(kind string) (result.Metric, unit)) Table {
	t := Table{Title: m.workload + ": " + p, Head: []string{p}}
	cells := map[string][]string{}
	var kinds []string
	for _, c := range m.columns() {
		kind, size, _ := strings.Cut(c, ", ")
		if !slices.Contains(t.Head, size) {
			t.Head = append(t.Head, size)
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
		value, show := metric(kind)
		cells[kind] = append(cells[kind], m.cell(c, p, value, show, false))
	}
	for _, kind := range kinds {
		t.Rows = append(t.Rows, append([]string{kind}, cells[kind]...))
	}
	return t
}

// flipped is table with a row for each case and a column for each peer.
func (m matrix) flipped(title string, metric result.Metric, show unit) Table {
	t := Table{Title: m.workload + ": " + title, Head: append([]string{title}, m.peers()...)}
	for _, c := range m.columns() {
		row := []string{c}
		for _, p := range m.peers() {
			row = append(row, m.cell(c, p, metric, show, false))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (m matrix) columns() []string {
	there := m.run.Cases(m.workload)
	if m.cases == nil {
		return there
	}
	return slices.DeleteFunc(slices.Clone(m.cases), func(c string) bool { return !slices.Contains(there, c) })
}

// peers returns those of any of the cases, in the order of tables.
func (m matrix) peers() (names []string) {
	for _, c := range m.columns() {
		for _, p := range m.run.Peers(m.workload, c) {
			if !slices.Contains(names, p) {
				names = append(names, p)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int { return peer.Rank(a) - peer.Rank(b) })
	return names
}

// column is a metric under a name.
type column struct {
	name   string
	metric result.Metric
	show   unit
}

// details returns a row for each peer of one case, with a column for each metric.
func (m matrix) details(name string, columns []column) Table {
	t := Table{Title: m.workload + ": " + name, Head: []string{name}}
	for _, c := range columns {
		t.Head = append(t.Head, c.name)
	}
	m.cases = []string{name}
	for _, p := range m.peers() {
		row := []string{p}
		for _, c := range columns {
			row = append(row, m.cell(name, p, c.metric, c.show, false))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
