package session

import (
	"fmt"
	"testing"
)

// TestBucketsOfUnusedComponentsGo: a component's bucket goes with the last session that has it, so
// that names made of many things do not fill the file.
func TestBucketsOfUnusedComponentsGo(t *testing.T) {
	b := openBolt(t, nil)
	fill := func(round int) {
		createMany(t, b, 200, func(i int, s *Session) {
			s.SetUser("ann")
			c, err := s.Component(t.Context(), fmt.Sprintf("cart %d-%d-%0100d", round, i, i))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Set("n", 1); err != nil {
				t.Fatal(err)
			}
		})
	}
	var sizes []int64
	for round := range 3 {
		fill(round)
		if _, err := b.DestroyUser(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		if err := b.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, b.Stats().FileBytes)
	}
	if sizes[2] != sizes[0] || sizes[0] > 64<<10 {
		t.Errorf("the empty store takes %v bytes after each round", sizes)
	}
}
