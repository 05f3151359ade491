//go:build linux

package race

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestHoldingsFindsLeaks(t *testing.T) {
	dir := t.TempDir()
	before := held(dir)
	if found := before.leaked(dir); len(found) != 0 {
		t.Fatalf("found %v where nothing is", found)
	}
	stop, started := make(chan struct{}), make(chan struct{})
	go func() { close(started); <-stop }()
	<-started
	defer close(stop)
	f, err := os.Create(filepath.Join(dir, "left"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := strings.Join(before.leaked(dir), "\n")
	for _, want := range []string{"goroutine ", "TestHoldingsFindsLeaks.func1", "file descriptor ", "file " + filepath.Join(dir, "left")} {
		if !strings.Contains(found, want) {
			t.Errorf("no %q in what was found:\n%s", want, found)
		}
	}
}

func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dog, done := newWatchdog(), make(chan struct{})
		release, stacks := make(chan struct{}), new(strings.Builder)
		dog.stderr = stacks
		go dog.call("slow", func() error { time.Sleep(59 * time.Second); return nil })
		go dog.call("stuck", func() error { <-release; return nil })
		defer close(release)
		start := time.Now()
		err := dog.watch(done, time.Minute)
		if err == nil || !strings.Contains(err.Error(), "[stuck]") || time.Since(start) > 2*time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if !strings.Contains(stacks.String(), "TestWatchdog") {
			t.Errorf("no stacks, but %q", stacks)
		}
		close(done)
		if err := newWatchdog().watch(done, time.Minute); err != nil {
			t.Errorf("with nobody waiting: %v", err)
		}
	})
}
