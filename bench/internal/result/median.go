package result

import "slices"

// Median returns the middle of values, the mean of the two in the middle when their number is
// even, and 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	v := slices.Sorted(slices.Values(values))
	mid := len(v) / 2
	if len(v)%2 == 1 {
		return v[mid]
	}
	return (v[mid-1] + v[mid]) / 2
}

// Median returns the median of a metric over the rounds of a row; ok is false when it was not run.
func (r *Run) Median(workload, name, peer string, m Metric) (v float64, ok bool) {
	samples := r.Samples(workload, name, peer)
	return Median(each(samples, m)), len(samples) > 0
}

// Ratio returns the median of what a metric is of one peer, divided by what it is of another one in
// the same round: what slows the machine down for a while slows down both. ok is false when one of
// them was not run, or is 0.
func (r *Run) Ratio(workload, name, peer, other string, m Metric) (v float64, ok bool) {
	a, b := r.Samples(workload, name, peer), r.Samples(workload, name, other)
	var ratios []float64
	for i := range min(len(a), len(b)) {
		if m(b[i]) != 0 {
			ratios = append(ratios, m(a[i])/m(b[i]))
		}
	}
	return Median(ratios), len(ratios) > 0
}

func each(samples []Sample, m Metric) (values []float64) {
	for _, s := range samples {
		values = append(values, m(s))
	}
	return values
}
