//go:build linux

package damage

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

const (
	checkMemory = 64 << 10 // KiB per 100,000 sessions
	checkTime   = 100 * time.Millisecond
	checkSlack  = 3 // times checkTime: machines differ
)

// checkCost is what checking a file took.
type checkCost struct {
	Took     []time.Duration
	Resident int // KiB at most, the program included
}

// damageCheckCost measures what Check costs for 100,000 sessions.
func damageCheckCost(ctx context.Context, t *trial.Trial) error {
	k := stock{Name: "hundred thousand", Sessions: t.Size(110_000, 22_000)} // of which a tenth ends
	image, err := k.make(ctx, t.Dir, false)
	if err != nil {
		return err
	}
	path := filepath.Join(t.Dir, "check.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		return err
	}
	defer os.Remove(path)
	cmd, err := trial.Player(ctx, "checker", path)
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("check %s: %w", path, err)
	}
	var cost checkCost
	if err := json.Unmarshal(out, &cost); err != nil {
		return err
	}
	share := 100_000 / float64(k.Sessions*10/11)
	slices.Sort(cost.Took)
	fastest, median := scaled(cost.Took[0], share), scaled(cost.Took[len(cost.Took)/2], share)
	t.Figure("check: %d sessions: per 100,000 %v at best, %v as the median of %d; at most %d MiB in memory, the program included (%v and 64 MiB are asked for)",
		k.Sessions*10/11, fastest, median, len(cost.Took), cost.Resident>>10, checkTime)
	if fastest > checkSlack*checkTime {
		t.Fail("check takes %v per 100,000 sessions at best", fastest)
	}
	if cost.Resident > checkMemory {
		t.Fail("check takes %d KiB", cost.Resident)
	}
	return nil
}

func scaled(d time.Duration, by float64) time.Duration {
	return time.Duration(float64(d) * by).Round(time.Millisecond)
}

// playChecker is the process that checks a file a few times.
func playChecker(args []string) error {
	if len(args) != 1 {
		return errors.New("want PATH")
	}
	var cost checkCost
	for range 9 {
		start := time.Now()
		if _, err := session.Check(context.Background(), args[0]); err != nil {
			return err
		}
		cost.Took = append(cost.Took, time.Since(start))
	}
	var err error
	if cost.Resident, err = peakResident(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(cost)
}

// peakResident returns how much of this process was in memory at most, in KiB.
func peakResident() (kib int, err error) {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			_, err := fmt.Sscanf(strings.TrimSpace(rest), "%d kB", &kib)
			return kib, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}
