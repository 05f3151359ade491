package gate_test

import (
	"testing"

	"github.com/boltsession/session/bench/internal/gate"
	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
	"github.com/boltsession/session/bench/internal/work"
)

// find returns the verdict on a gate.
func find(t *testing.T, run *result.Run, what string) gate.Verdict {
	t.Helper()
	for _, v := range gate.Judge(run) {
		if v.What == what {
			return v
		}
	}
	t.Fatalf("there is no gate %q", what)
	return gate.Verdict{}
}

func TestJudge(t *testing.T) {
	const fast, wait = "read-only request against scs bolt", "… the writers' longest wait against scs bolt"
	run := new(result.Run)
	if v := find(t, run, fast); v.Ran || v.Missed() || v.Line()[3] != "not run" {
		t.Errorf("without a run: %+v", v)
	}
	for i := range 3 {
		run.Add("requests", "read@1", peer.Ours, result.Sample{Ops: 250 + 10*i, Seconds: 1})
		run.Add("requests", "read@1", peer.Bolt, result.Sample{Ops: 100, Seconds: 1})
		run.Add("reap", "reap@8", peer.Ours, result.Sample{Max: 101})
		run.Add("reap", "reap@8", peer.Bolt, result.Sample{Max: 1000})
	}
	if v := find(t, run, fast); v.Missed() || v.Reached != 2.6 || v.Line()[3] != "met" {
		t.Errorf("2.6 of at least 2.5: %+v", v)
	}
	if v := find(t, run, wait); !v.Missed() || v.Line() != [4]string{wait, "≤ 0.100x", "0.101x", "missed"} {
		t.Errorf("0.101 of at most 0.1: %+v", v.Line())
	}
}

// TestGatesNameCases: a gate whose case was renamed would never be run.
func TestGatesNameCases(t *testing.T) {
	run := new(result.Run)
	for _, w := range work.All(work.Full()) {
		for _, c := range w.Cases {
			for _, p := range w.PeersOf(c) {
				run.Add(w.Name, c.Name, p, result.Sample{Ops: 1, Seconds: 1, P50: 1, P99: 1, Max: 1, FileBytes: 1})
			}
		}
	}
	for _, v := range gate.Judge(run) {
		if !v.Ran {
			t.Errorf("no case is there for %q", v.What)
		}
	}
}
