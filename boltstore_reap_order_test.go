package session

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestByID: due entries come in the order of their IDs, all of them once, in full chunks.
func TestByID(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 9, 10, 11, 5000} {
		due := make([]dueEntry, n)
		for i := range due {
			due[i] = dueEntry{id: testID(rng.IntN(2 * n)), deadline: int64(i)} // some sessions are due twice
			if n == 11 {
				due[i].id[0] = 7 // no hashes
			}
		}
		given := slices.Clone(due)
		var got []dueEntry
		for chunk := range byID(due, 10) {
			if len(chunk) != min(10, n-len(got)) {
				t.Errorf("of %d: a chunk of %d after %d", n, len(chunk), len(got))
			}
			got = append(got, chunk...)
		}
		if !slices.IsSortedFunc(got, func(x, y dueEntry) int { return compareIDs(x.id, y.id) }) {
			t.Errorf("of %d: not in order", n)
		}
		if !slices.Equal(due, given) {
			t.Errorf("of %d: the order of deadlines is lost", n)
		}
		slices.SortFunc(got, func(x, y dueEntry) int { return int(x.deadline - y.deadline) })
		if !slices.Equal(got, given) {
			t.Errorf("of %d: not the same entries", n)
		}
	}
	for range byID(make([]dueEntry, 30), 10) {
		break // and no more is yielded, which would panic
	}
}

// TestUserRuns: what is added in pieces comes out in the order of the user index.
func TestUserRuns(t *testing.T) {
	var runs userRuns
	var all []userEntry
	rng := rand.New(rand.NewPCG(3, 4))
	for range 40 {
		piece := make([]userEntry, rng.IntN(20))
		for i := range piece {
			piece[i] = userEntry{fmt.Sprint("user ", rng.IntN(50)), testID(rng.IntN(1000))}
		}
		all = append(all, piece...)
		runs.add(piece)
	}
	slices.SortFunc(all, compareUserEntries)
	var got []userEntry
	for len(runs) > 0 {
		next := runs.next(7)
		if len(next) != min(7, len(all)-len(got)) {
			t.Fatalf("%d after %d of %d", len(next), len(got), len(all))
		}
		got = append(got, next...)
	}
	if !slices.Equal(got, all) {
		t.Errorf("not in order, or not the same")
	}
	if runs.add(nil); len(runs) != 0 || runs.next(1) != nil {
		t.Error("nothing is something")
	}
}
