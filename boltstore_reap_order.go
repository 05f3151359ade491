package session

import (
	"cmp"
	"container/heap"
	"iter"
	"slices"
)

// What a run of the reaper works through can be a quarter of a million entries. Sorting them at once
// would keep a processor busy for so long that those who save feel it, so that it is done piece by
// piece, between one transaction and the next.

// byID yields due entries in the order of their IDs, up to size at a time. What it yields is
// overwritten by the next.
func byID(due []dueEntry, size int) iter.Seq[[]dueEntry] {
	return func(yield func([]dueEntry) bool) {
		var ends [256]int // of the entries whose IDs begin with a byte
		for i := range due {
			ends[due[i].id[0]]++
		}
		for b := 1; b < len(ends); b++ {
			ends[b] += ends[b-1]
		}
		order, at := make([]uint32, len(due)), ends
		for i := range due {
			b := due[i].id[0]
			at[b]--
			order[at[b]] = uint32(i)
		}
		chunk, sorted := make([]dueEntry, 0, size), 0
		for i, j := range order {
			if i == sorted { // IDs are hashes, so that as many begin with one byte as with another
				sorted = ends[due[j].id[0]]
				slices.SortFunc(order[i:sorted], func(x, y uint32) int { return compareIDs(due[x].id, due[y].id) })
				j = order[i]
			}
			if chunk = append(chunk, due[j]); len(chunk) < size {
				continue
			}
			if !yield(chunk) {
				return
			}
			chunk = chunk[:0]
		}
		if len(chunk) > 0 {
			yield(chunk)
		}
	}
}

func dueItems(due []dueEntry) []item {
	items := make([]item, len(due))
	for i, entry := range due {
		items[i] = item{id: entry.id, deadline: entry.deadline}
	}
	return items
}

// userEntry is an entry of the user index.
type userEntry struct {
	user string
	id   ID
}

func compareUserEntries(x, y userEntry) int {
	return cmp.Or(cmp.Compare(x.user, y.user), compareIDs(x.id, y.id))
}

// userRuns are entries of the user index, in runs that each have the order of the index. It is a
// heap by the first entry of each.
type userRuns [][]userEntry

// add adds entries in any order. They are sorted in place.
func (h *userRuns) add(entries []userEntry) {
	if len(entries) > 0 {
		slices.SortFunc(entries, compareUserEntries)
		heap.Push(h, entries)
	}
}

// next takes up to n entries, in the order of the index.
func (h *userRuns) next(n int) (entries []userEntry) {
	for ; n > 0 && len(*h) > 0; n-- {
		first := (*h)[0]
		entries = append(entries, first[0])
		if len(first) == 1 {
			heap.Pop(h)
			continue
		}
		(*h)[0] = first[1:]
		heap.Fix(h, 0)
	}
	return entries
}

func (h userRuns) Len() int           { return len(h) }
func (h userRuns) Less(i, j int) bool { return compareUserEntries(h[i][0], h[j][0]) < 0 }
func (h userRuns) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *userRuns) Push(run any)      { *h = append(*h, run.([]userEntry)) }

func (h *userRuns) Pop() any {
	last := len(*h) - 1
	run := (*h)[last]
	(*h)[last], *h = nil, (*h)[:last]
	return run
}

func userItems(entries []userEntry) []item {
	items := make([]item, len(entries))
	for i, entry := range entries {
		items[i] = item{id: entry.id, user: entry.user}
	}
	return items
}
