package proc

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// canWatch says whether syncs can be counted here.
func canWatch() bool {
	err := exec.Command("strace", "-qq", "-e", "trace=fsync", "-o", os.DevNull, "true").Run()
	return err == nil
}

// countSyncs returns how many syncs a trace has between its last two marks.
func countSyncs(path string) (int, error) {
	trace, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return syncsBetween(string(trace))
}

func syncsBetween(trace string) (n int, err error) {
	marks, counts := 0, []int{0}
	for line := range strings.Lines(trace) {
		switch {
		case strings.Contains(line, "fsync(-1"):
			marks++
			counts = append(counts, 0)
		case strings.Contains(line, "fsync("), strings.Contains(line, "fdatasync("):
			counts[len(counts)-1]++ // also of one that ends in a line of its own, "resumed"
		}
	}
	if marks < 2 || marks%2 != 0 {
		return 0, fmt.Errorf("the trace has %d marks", marks)
	}
	return counts[len(counts)-2], nil
}
