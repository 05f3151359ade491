// Package report tells what a run found: tables on a terminal and in Markdown, and plots.
package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table is rows of text under a head. The first column is at the left, the others at the right.
type Table struct {
	Title string
	Head  []string
	Rows  [][]string
}

// Text writes the table for a terminal.
func (t Table) Text(w io.Writer) error {
	fmt.Fprintf(w, "\n%s\n", t.Title)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	first := 0
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		first = max(first, len([]rune(row[0])))
	}
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		pad := strings.Repeat(" ", first-len([]rune(row[0])))
		fmt.Fprintf(tw, "%s%s\t%s\t\n", row[0], pad, strings.Join(row[1:], "\t"))
	}
	return tw.Flush()
}

// Markdown returns the table in Markdown, without its title.
func (t Table) Markdown() string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.Head)
	rule := []string{"---"}
	for range t.Head[1:] {
		rule = append(rule, "---:")
	}
	line(rule)
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}
