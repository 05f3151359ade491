// Package result has what a run found: samples, where they belong, and the medians and ratios that
// are drawn from them.
package result

// Sample is what one peer did in one round of one case. Latencies are microseconds; what is "per
// op" is of the whole process, so that work in the background counts.
type Sample struct {
	Ops        int     `json:"ops"`
	Seconds    float64 `json:"seconds"`
	P50        float64 `json:"p50"`
	P99        float64 `json:"p99"`
	Max        float64 `json:"max"`
	Allocs     float64 `json:"allocs"`      // per op
	AllocBytes float64 `json:"alloc_bytes"` // per op
	WriteBytes float64 `json:"write_bytes"` // per op, to the disk
	WriteChars float64 `json:"write_chars"` // per op, handed to write calls
	WriteCalls float64 `json:"write_calls"` // per op
	Commits    float64 `json:"commits"`     // per op, of peers that count them
	FileBytes  int64   `json:"file_bytes"`
	RSS        int64   `json:"rss"`
	Extra      Figures `json:"extra,omitempty"`  // what only this case has
	Series     []Point `json:"series,omitempty"` // of one that is drawn
}

// Figures are values by name.
type Figures map[string]float64

// Point is a point of a series.
type Point struct{ X, Y float64 }

// The names of extra figures.
const (
	Lost        = "lost updates, share"
	Nanos       = "ns per call"
	Millis      = "ms"
	PerSecond   = "sessions/s"
	IdleBytes   = "heap bytes per idle session"
	LiveBytes   = "heap bytes per request in flight"
	IdleRSS     = "RSS bytes per idle session"
	Saturated   = "saturated"
	PerVisitor  = "bytes written per visitor"
	Fsyncs      = "fsyncs per request"
	FileSession = "file bytes per session"
)

// Rate returns ops per second.
func (s Sample) Rate() float64 {
	if s.Seconds == 0 {
		return 0
	}
	return float64(s.Ops) / s.Seconds
}

// Metric is one value of a sample.
type Metric func(Sample) float64

// The metrics that tables are made of.
var (
	Rate Metric = Sample.Rate
	P50  Metric = func(s Sample) float64 { return s.P50 }
	P99  Metric = func(s Sample) float64 { return s.P99 }
	Max  Metric = func(s Sample) float64 { return s.Max }
)

// Extra is the metric of an extra figure.
func Extra(name string) Metric { return func(s Sample) float64 { return s.Extra[name] } }
