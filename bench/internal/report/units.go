package report

import (
	"fmt"
	"math"
)

// A unit writes a value for people.
type unit func(float64) string

// count writes a number with three digits and k or M.
func count(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e6:
		return digits(v/1e6) + "M"
	case a >= 1e3:
		return digits(v/1e3) + "k"
	}
	return digits(v)
}

// micros writes microseconds as they fit.
func micros(v float64) string {
	switch {
	case v >= 1e6:
		return digits(v/1e6) + " s"
	case v >= 1e3:
		return digits(v/1e3) + " ms"
	case v >= 1:
		return digits(v) + " µs"
	}
	return digits(v*1e3) + " ns"
}

// nanos writes nanoseconds as they fit.
func nanos(v float64) string { return micros(v / 1e3) }

// bytes writes bytes as they fit.
func bytes(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1<<30:
		return digits(v/(1<<30)) + " GiB"
	case a >= 1<<20:
		return digits(v/(1<<20)) + " MiB"
	case a >= 1<<10:
		return digits(v/(1<<10)) + " KiB"
	}
	if v != 0 && math.Abs(v) < 10 {
		return fmt.Sprintf("%.1f B", v)
	}
	return fmt.Sprintf("%.0f B", v)
}

// percent writes a share.
func percent(v float64) string { return fmt.Sprintf("%.0f %%", v*100) }

// times writes a ratio.
func times(v float64) string { return digits(v) + "x" }

// digits writes two digits, three of larger numbers.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.5:
		return fmt.Sprintf("%.0f", v)
	case a >= 9.95:
		return fmt.Sprintf("%.1f", v)
	case a == 0:
		return "0"
	}
	return fmt.Sprintf("%.2f", v)
}
