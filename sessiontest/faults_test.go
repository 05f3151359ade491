package sessiontest_test

import (
	"slices"
)

// fault is one thing that a store does wrong.
type fault struct {
	name   string
	checks []string // those that must fail
	plant  func(*faulty)
}

// faults is the list of deliberately broken stores.
func faults() []fault {
	return slices.Concat(verbFaults(), mergeFaults(), endedFaults(), expiryFaults(), valueFaults(), savedFaults(), closedFaults(),
		listerFaults(), clearerFaults(), toucherFaults(), renewerFaults(), reapableFaults(), userFaults(), notifierFaults())
}
