package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

func TestReplace(t *testing.T) {
	of := func(name string) (string, error) {
		if name == "bad" {
			return "", errors.New("bad")
		}
		return "new " + name + "\n", nil
	}
	const text = "prose\n<!-- bench:one -->\nold\n<!-- bench:end -->\nmore\n<!-- bench:two --><!-- bench:end -->\n"
	const want = "prose\n<!-- bench:one -->\nnew one\n<!-- bench:end -->\nmore\n<!-- bench:two -->\nnew two\n<!-- bench:end -->\n"
	got, err := replace(text, of)
	if got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if again, err := replace(got, of); again != want || err != nil {
		t.Errorf("a second time: %q, %v", again, err)
	}
	for _, bad := range []string{"<!-- bench:one -->\n", "<!-- bench:one", "<!-- bench:bad --><!-- bench:end -->"} {
		if got, err := replace(bad, of); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// TestBlocks: each workload has a table, also of a run that has few of its cases.
func TestBlocks(t *testing.T) {
	run := new(result.Run)
	run.Add("requests", "read@1", peer.Ours, result.Sample{Ops: 60_000, Seconds: 1})
	run.Add("requests", "read@1", peer.Bolt, result.Sample{Ops: 20_000, Seconds: 1})
	got, err := block(run, "requests")
	if err != nil || !strings.Contains(got, "| scs bolt | 20.0k (3.00x) |") {
		t.Errorf("requests: %v\n%s", err, got)
	}
	if got, err := block(run, "scale"); err != nil || !strings.Contains(got, "did not have it") {
		t.Errorf("scale, which was not run: %v\n%s", err, got)
	}
	if got, err := block(run, "nonsense"); err == nil {
		t.Errorf("nonsense: %s", got)
	}
	for _, name := range []string{"machine", "peers", "gates", "headline"} {
		if got, err := block(run, name); err != nil || got == "" {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, test := range []struct {
		show unit
		v    float64
		want string
	}{
		{count, 0, "0"}, {count, 999.6, "1000"}, {count, 1234, "1.23k"}, {count, 25_300, "25.3k"}, {count, 2e6, "2.00M"},
		{micros, 0.05, "50.0 ns"}, {micros, 3.4, "3.40 µs"}, {micros, 1500, "1.50 ms"}, {micros, 2e6, "2.00 s"},
		{bytes, 12, "12 B"}, {bytes, 2048, "2.00 KiB"}, {bytes, 3 << 20, "3.00 MiB"},
	} {
		if got := test.show(test.v); got != test.want {
			t.Errorf("%v is written %q, want %q", test.v, got, test.want)
		}
	}
}
