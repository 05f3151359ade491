// Package gate holds what the library promises of its speed against what a run found.
package gate

import (
	"fmt"
	"time"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// Gate is a bound on one value of a run.
type Gate struct {
	What   string
	AtMost bool // else at least
	Bound  float64
	show   func(float64) string
	value  func(*result.Run) (float64, bool)
}

// Verdict is a gate and what a run says to it.
type Verdict struct {
	Gate
	Ran     bool // else the workload was left out
	Reached float64
}

// Met says whether the value is within the bound.
func (v Verdict) Met() bool {
	if v.AtMost {
		return v.Reached <= v.Bound
	}
	return v.Reached >= v.Bound
}

// Missed says whether the value is known and not within the bound.
func (v Verdict) Missed() bool { return v.Ran && !v.Met() }

// Judge holds all gates against a run.
func Judge(run *result.Run) (verdicts []Verdict) {
	for _, g := range all() {
		reached, ran := g.value(run)
		verdicts = append(verdicts, Verdict{g, ran, reached})
	}
	return verdicts
}

// Line returns what the gate is of, the bound, what was reached, and how it ended.
func (v Verdict) Line() [4]string {
	sign := "≥ "
	if v.AtMost {
		sign = "≤ "
	}
	line := [4]string{v.What, sign + v.show(v.Bound), "–", "not run"}
	switch {
	case v.Missed():
		line[2], line[3] = v.show(v.Reached), "missed"
	case v.Ran:
		line[2], line[3] = v.show(v.Reached), "met"
	}
	return line
}

// all returns the gates.
func all() []Gate {
	var gates []Gate
	for _, part := range [][]Gate{reading(), writing(), files(), calls()} {
		gates = append(gates, part...)
	}
	return gates
}

func reading() []Gate {
	return []Gate{
		faster("read-only request against scs bolt", 2.5, "requests", "read@1", peer.Ours, peer.Bolt),
		faster("… against scs memstore", 2.2, "requests", "read@1", peer.Ours, peer.Memstore),
		faster("… against scs bolt with IdleTimeout", 40, "requests", "read@1", peer.Ours, peer.BoltIdle),
	}
}

func writing() []Gate {
	return []Gate{
		faster("durable read+write request against scs bolt, 1 client", 0.9, "requests", "read+write@1", peer.Ours, peer.Bolt),
		faster("… 8 clients", 2.5, "requests", "read+write@8", peer.Ours, peer.Bolt),
		faster("… 64 clients", 5, "requests", "read+write@64", peer.Ours, peer.Bolt),
		faster("… against scs sqlite3store, 64 clients", 6, "requests", "read+write@64", peer.Ours, peer.SQLite),
		smaller("p99 at 64 clients against scs bolt", 1.0/3, "requests", "read+write@64", peer.Ours, peer.Bolt, result.P99),
		smaller("one save alone against a bbolt Put of as many bytes", 1.5, "save", "save@1", peer.Ours, peer.RawPut, perOp),
		faster("SyncEvery, read+write request against scs memstore, 1 client", 1.3, "relaxed", "read+write@1", peer.OursRelaxed, peer.Memstore),
		faster("… 64 clients", 1, "relaxed", "read+write@64", peer.OursRelaxed, peer.Memstore),
	}
}

func files() []Gate {
	return []Gate{
		smaller("live file against scs bolt, same data", 1.15, "file", "size", peer.Ours, peer.Bolt, fileBytes),
		atMost("heap per idle session, whole bytes", 0, "memory", "idle", wholeBytes, showBytes),
		grown("one save at 1M against at 10k sessions", 2),
		atMost("open at 1M sessions after a clean close", 600, "scale", "open, 1M", result.Extra(result.Millis), showMillis),
		atMost("… after a crash", 1500, "scale", "crash, 1M", result.Extra(result.Millis), showMillis),
	}
}

func calls() []Gate {
	least := atMost("… sessions reaped", 15_000, "reap", "reap@8", result.Extra(result.PerSecond), showRate)
	least.AtMost = false
	return []Gate{
		atMost("p99 of 8 writers while 100k of 200k are reaped", 5000, "reap", "reap@8", result.P99, showMicros),
		least,
		smaller("… the writers' longest wait against scs bolt", 0.1, "reap", "reap@8", peer.Ours, peer.Bolt, result.Max),
		atMost("touch", 100, "touches", "touch", result.Extra(result.Nanos), showNanos),
		atMost("Length at 1M", 1000, "scale", "length, 1M", result.Extra(result.Nanos), showNanos),
	}
}

// faster asks for a rate of at least bound times another peer's.
func faster(what string, bound float64, workload, name, one, other string) Gate {
	return Gate{What: what, Bound: bound, show: showTimes, value: func(r *result.Run) (float64, bool) {
		return r.Ratio(workload, name, one, other, result.Rate)
	}}
}

// smaller asks for a metric of at most bound times another peer's.
func smaller(what string, bound float64, workload, name, one, other string, m result.Metric) Gate {
	return Gate{What: what, AtMost: true, Bound: bound, show: showTimes, value: func(r *result.Run) (float64, bool) {
		return r.Ratio(workload, name, one, other, m)
	}}
}

// atMost asks for a median of our own of at most bound.
func atMost(what string, bound float64, workload, name string, m result.Metric, show func(float64) string) Gate {
	return Gate{What: what, AtMost: true, Bound: bound, show: show, value: func(r *result.Run) (float64, bool) {
		return r.Median(workload, name, peer.Ours, m)
	}}
}

// grown compares a save in a large store with one in a small one.
func grown(what string, bound float64) Gate {
	return Gate{What: what, AtMost: true, Bound: bound, show: showTimes, value: func(r *result.Run) (float64, bool) {
		large, ok := r.Median("scale", "save, 1M", peer.Ours, result.P50)
		small, _ := r.Median("scale", "save, 10k", peer.Ours, result.P50)
		return large / small, ok && small != 0
	}}
}

func perOp(s result.Sample) float64      { return s.Seconds / float64(max(1, s.Ops)) }
func fileBytes(s result.Sample) float64  { return float64(s.FileBytes) }
func wholeBytes(s result.Sample) float64 { return float64(int(s.Extra[result.IdleBytes])) }

func showRate(v float64) string   { return fmt.Sprintf("%.1fk/s", v/1e3) }
func showBytes(v float64) string  { return fmt.Sprintf("%.0f B", v) }
func showNanos(v float64) string  { return fmt.Sprintf("%.0f ns", v) }
func showMicros(v float64) string { return fmt.Sprintf("%.1f ms", v/1e3) }
func showMillis(v float64) string {
	return time.Duration(v * float64(time.Millisecond)).Round(time.Millisecond).String()
}

func showTimes(v float64) string {
	if v < 1 {
		return fmt.Sprintf("%.3fx", v)
	}
	return fmt.Sprintf("%.2fx", v)
}
