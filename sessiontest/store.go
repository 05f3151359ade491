package sessiontest

import (
	"strings"
	"testing"

	"github.com/boltsession/session"
)

// TestStore tests that the stores that open returns keep the rules that every store keeps; see
// the package comment. open is called for each check, for a store that is empty and does not
// reap by itself within the next minute. TestStore closes it; open may do so in a Cleanup of
// its own, too. All stores must be of one kind: which of the optional interfaces they have is
// asked of the first.
//
// It does some things thousands of times, as races need it: fewer times for a slow store, and
// fewer with -short.
func TestStore(t *testing.T, open func(*testing.T) session.Store) {
	t.Helper()
	suite := suite{bubble: inBubble(t)}
	probe := open(t)
	var lacks []string
	for _, g := range groups(suite.bubble) {
		if g.offered != nil && !g.offered(probe) {
			lacks = append(lacks, g.name)
			continue
		}
		suite.checks = append(suite.checks, g)
	}
	if err := probe.Close(); err != nil {
		t.Fatalf("Close of an unused store: %v", err)
	}
	if len(lacks) > 0 {
		t.Logf("the store does not have, and is not asked for: %s", strings.Join(lacks, ", "))
	}
	for _, g := range suite.checks {
		suite.run(t, g.name, func(t *testing.T) {
			for _, c := range g.checks {
				suite.run(t, c.name, func(t *testing.T) { c.run(newKit(t, open)) })
			}
		})
	}
}

// group is the checks of one rule or optional interface.
type group struct {
	name    string
	offered func(session.Store) bool // nil: by every store
	checks  []check
}

type check struct {
	name string
	run  func(*kit)
}

func groups(bubble bool) []group {
	groups := []group{
		{"Verbs", nil, verbChecks()},
		{"Rule1Merge", nil, mergeChecks()},
		{"Rule2Ended", nil, endedChecks()},
		{"Rule3Expiry", nil, expiryChecks()},
		{"Rule4Values", nil, valueChecks()},
		{"Rule5Undecodable", nil, decodeChecks()},
		{"Rule6Saved", nil, savedChecks()},
		{"Rule7Closed", nil, closedChecks()},
		{"Lister", offers[session.Lister], listerChecks()},
		{"Clearer", offers[session.Clearer], clearerChecks()},
		{"Toucher", offers[session.Toucher], toucherChecks()},
		{"Renewer", offers[session.Renewer], renewerChecks()},
		{"Reapable", offers[session.Reapable], reapableChecks()},
		{"UserIndex", offers[session.UserIndex], userChecks()},
		{"Notifier", offers[session.Notifier], notifierChecks()},
	}
	if bubble {
		groups = append(groups, group{"Clock", nil, clockChecks()})
	}
	return groups
}

func offers[T any](s session.Store) bool {
	_, ok := session.As[T](s)
	return ok
}

// suite is one run of TestStore.
type suite struct {
	bubble bool
	checks []group
}

// run runs f as a subtest, or as part of t in a bubble, where there are no subtests.
func (s *suite) run(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	if !s.bubble {
		t.Run(name, f)
		return
	}
	failed := t.Failed()
	defer func() {
		if t.Failed() && !failed {
			t.Logf("failed in %s", name)
		}
	}()
	f(t)
}

// inBubble says whether t is that of a synctest bubble: its Deadline panics.
func inBubble(t *testing.T) (bubble bool) {
	defer func() { bubble = recover() != nil }()
	t.Deadline()
	return false
}
