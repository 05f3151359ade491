package sessiontest_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/sessiontest"
)

// faultEnv names the fault that TestFullConformance plants, in a process of its own.
const faultEnv = "SESSIONTEST_FAULT"

// TestFullConformance: the store with all interfaces keeps the rules, as long as no fault is
// planted in it.
func TestFullConformance(t *testing.T) {
	sessiontest.TestStore(t, func(*testing.T) session.Store {
		store := newFaulty()
		for _, f := range faults() {
			if f.name == os.Getenv(faultEnv) {
				f.plant(store)
			}
		}
		return store
	})
}

// TestFaults: each fault makes the checks fail that it should, no check is without a fault that
// makes it fail, and with none planted all pass.
func TestFaults(t *testing.T) {
	t.Run("store", func(t *testing.T) { testFaults(t, "TestFullConformance", faults()) })
	t.Run("reopen", func(t *testing.T) { testFaults(t, "TestReopenConformance", reopenFaults()) })
}

func testFaults(t *testing.T, test string, faults []fault) {
	passed, failed := runSuite(t, test, "")
	if len(failed) > 0 || len(passed) == 0 {
		t.Fatalf("without a fault %d checks pass and these fail: %q", len(passed), failed)
	}
	named := make(map[string]bool)
	for _, f := range faults {
		for _, check := range f.checks {
			named[check] = true
			if !slices.Contains(passed, check) {
				t.Errorf("%s, which a fault names, is not a check", check)
			}
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			_, failed := runSuite(t, test, f.name)
			for _, check := range f.checks {
				if !slices.Contains(failed, check) {
					t.Errorf("%s passes; these fail: %q", check, failed)
				}
			}
		})
	}
	for _, check := range passed {
		if !named[check] {
			t.Errorf("no fault makes %s fail", check)
		}
	}
}

// verdict finds what a check ended with: those of TestStore are in groups.
func verdict(test string) *regexp.Regexp {
	if test == "TestFullConformance" {
		return regexp.MustCompile(`--- (PASS|FAIL): ` + test + `/(\S+/\S+) `)
	}
	return regexp.MustCompile(`--- (PASS|FAIL): ` + test + `/(\S+) `)
}

// runSuite runs a test of a suite with a fault and returns the checks that passed and failed.
func runSuite(t *testing.T, test, fault string) (passed, failed []string) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.run=^"+test+"$", "-test.v", "-test.short", "-test.timeout=100s")
	cmd.Env = append(os.Environ(), faultEnv+"="+fault, "GORACE=atexit_sleep_ms=0") // a second less for each
	out, err := cmd.CombinedOutput()
	for _, m := range verdict(test).FindAllStringSubmatch(string(out), -1) {
		if m[1] == "PASS" {
			passed = append(passed, m[2])
		} else {
			failed = append(failed, m[2])
		}
	}
	var exit *exec.ExitError
	if bytes.Contains(out, []byte("\npanic: ")) || err != nil && !errors.As(err, &exit) || (err == nil) != (len(failed) == 0) {
		t.Fatalf("the suite ended with %v, these failed: %q\n%s", err, failed, strings.TrimSpace(string(out)))
	}
	return passed, failed
}
