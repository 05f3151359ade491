//go:build linux

package damage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// sums are what came of many damaged files.
type sums struct {
	files, effective     int
	died, hung           int
	refused, read, whole int // by Open; opened; opened and nothing missing
	missing              int // sessions, of those opened
	fell                 int // back to the commit before the last
	wrong                int
	reported, warned     int // by Check
	unsound              int // still damaged after all was read, written and closed
	errors               map[string]int
}

// add counts one file.
func (s *sums) add(h harm, f *finding, err error) {
	s.files++
	s.effective += one(h.effective())
	switch {
	case errors.Is(err, errDied):
		s.died++
		return
	case errors.Is(err, errHung):
		s.hung++
		return
	}
	s.wrong += len(f.Wrong)
	s.reported += one(f.Check != "")
	s.warned += one(f.Check == "" && f.Warned)
	if f.Open != "" {
		s.refused++
		s.errors["Open "+f.Open]++
		return
	}
	s.read++
	s.whole += one(len(f.Missing) == 0)
	s.missing += len(f.Missing)
	s.fell += one(f.Back)
	s.unsound += one(f.After != "")
	for kind, n := range f.Errors {
		s.errors["read "+kind] += n
	}
	for kind, n := range f.Writes {
		if kind != "" {
			s.errors["write "+kind] += n
		}
	}
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// merge adds other sums.
func (s *sums) merge(o *sums) {
	for _, pair := range [][2]*int{
		{&s.files, &o.files}, {&s.effective, &o.effective}, {&s.died, &o.died}, {&s.hung, &o.hung},
		{&s.refused, &o.refused}, {&s.read, &o.read}, {&s.whole, &o.whole}, {&s.missing, &o.missing},
		{&s.wrong, &o.wrong}, {&s.reported, &o.reported}, {&s.warned, &o.warned}, {&s.unsound, &o.unsound}, {&s.fell, &o.fell},
	} {
		*pair[0] += *pair[1]
	}
	for kind, n := range o.errors {
		s.errors[kind] += n
	}
}

// String returns the figures in one line.
func (s *sums) String() string {
	return fmt.Sprintf("%d files, %d damaged where it counts, %d died, %d hung, %d wrong; Open refused %d, of %d opened %d are whole, %d sessions not found, %d without the last commit, which Open logs; Check reported %d, warned of %d; damaged still when closed again %d",
		s.files, s.effective, s.died, s.hung, s.wrong, s.refused, s.read, s.whole, s.missing, s.fell, s.reported, s.warned, s.unsound)
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
