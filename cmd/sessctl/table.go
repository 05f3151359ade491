package main

import (
	"fmt"
	"io"
	"strings"
)

// table is text in columns. Its cells must be printable.
type table struct {
	head []string
	rows [][]string
	give []int // the columns that give way when a line is too long, in this order
	omit []int // the columns that are left out when that is not enough, in this order
}

// minCell is how narrow a column that gives way becomes, at most.
const minCell = 8

// omitted is the width of a column that is left out.
const omitted = -1

// write writes the table with lines of at most width columns, as far as the columns that give
// way, or are left out, allow it. 0 is any width.
func (t *table) write(w io.Writer, width int) error {
	widths := t.widths(width)
	if err := writeRow(w, t.head, widths); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := writeRow(w, row, widths); err != nil {
			return err
		}
	}
	return nil
}

// widths returns the columns' widths.
func (t *table) widths(width int) []int {
	widths := make([]int, len(t.head))
	total := 2 * (len(t.head) - 1)
	for i := range t.head {
		widths[i] = columns(t.head[i])
		for _, row := range t.rows {
			widths[i] = max(widths[i], columns(row[i]))
		}
		total += widths[i]
	}
	for _, i := range t.give {
		if width == 0 || total <= width {
			break
		}
		narrow := max(min(widths[i], minCell), widths[i]-(total-width))
		total -= widths[i] - narrow
		widths[i] = narrow
	}
	for _, i := range t.omit {
		if width == 0 || total <= width {
			break
		}
		total -= widths[i] + 2
		widths[i] = omitted
	}
	return widths
}

func writeRow(w io.Writer, cells []string, widths []int) error {
	var line strings.Builder
	for i, cell := range cells {
		if widths[i] == omitted {
			continue
		}
		cell = shorten(cell, widths[i])
		line.WriteString(cell + strings.Repeat(" ", widths[i]-columns(cell)+2))
	}
	_, err := fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	return err
}
