package result_test

import (
	"path/filepath"
	"reflect"
	"testing"

	"github.com/boltsession/session/bench/internal/result"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 2, 100}, 3},
	} {
		before := append([]float64(nil), test.values...)
		if got := result.Median(test.values); got != test.want {
			t.Errorf("median of %v is %v, want %v", test.values, got, test.want)
		}
		if !reflect.DeepEqual(before, append([]float64(nil), test.values...)) {
			t.Errorf("the values were changed: %v, were %v", test.values, before)
		}
	}
}

func ops(n int) result.Sample { return result.Sample{Ops: n, Seconds: 1} }

// TestRatio: a machine that is slower in one round changes no ratio.
func TestRatio(t *testing.T) {
	r := new(result.Run)
	for _, n := range []int{100, 10, 80} {
		r.Add("w", "c", "fast", ops(3*n))
		r.Add("w", "c", "slow", ops(n))
	}
	r.Add("w", "c", "fast", ops(1)) // a round that the other one has not
	r.Add("w", "c", "still", ops(0))

	if v, ok := r.Ratio("w", "c", "fast", "slow", result.Rate); !ok || v != 3 {
		t.Errorf("the ratio is %v, %v; want 3", v, ok)
	}
	for _, other := range []string{"none", "still"} {
		if v, ok := r.Ratio("w", "c", "fast", other, result.Rate); ok {
			t.Errorf("the ratio to %s is %v", other, v)
		}
	}
	if v, ok := r.Median("w", "c", "slow", result.Rate); !ok || v != 80 {
		t.Errorf("the median is %v, %v; want 80", v, ok)
	}
	if _, ok := r.Median("w", "other", "slow", result.Rate); ok {
		t.Error("a case that was not run has a median")
	}
}

func TestRunReadsWhatItWrote(t *testing.T) {
	r := &result.Run{Quick: true, Machine: result.Machine{Cores: 2}}
	r.Add("w", "c", "p", result.Sample{Ops: 5, P99: 2.5, Extra: result.Figures{result.Lost: 0.25}, Series: []result.Point{{X: 1, Y: 2}}})
	path := filepath.Join(t.TempDir(), "run.json")
	if err := r.Write(path); err != nil {
		t.Fatal(err)
	}
	got, err := result.Read(path)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("read %+v, %v; want %+v", got, err, r)
	}
}
