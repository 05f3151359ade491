//go:build linux

package race

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// watchdog sees to it that nobody waits for ever: each call is noted while it is under way.
type watchdog struct {
	stderr io.Writer // gets all stacks in a deadlock

	mu    sync.Mutex
	since map[string]time.Time // by who waits
}

func newWatchdog() *watchdog {
	return &watchdog{stderr: os.Stderr, since: map[string]time.Time{}}
}

// call runs f, which must come back.
func (w *watchdog) call(who string, f func() error) error {
	w.mu.Lock()
	w.since[who] = time.Now()
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.since, who)
	}()
	return f()
}

// stuck returns who has been waiting for longer than that.
func (w *watchdog) stuck(limit time.Duration) (who []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.since)) {
		if time.Since(w.since[name]) > limit {
			who = append(who, name)
		}
	}
	return who
}

// watch returns when done is closed, or with an error, and all goroutines on stderr, when somebody
// has been waiting for longer than limit: those will not come back, and the trial must not wait.
func (w *watchdog) watch(done <-chan struct{}, limit time.Duration) error {
	tick := time.NewTicker(limit / 20)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-tick.C:
		}
		if who := w.stuck(limit); len(who) > 0 {
			fmt.Fprintf(w.stderr, "%s\n", allStacks())
			return fmt.Errorf("hangs: after %v these have not come back: %v", limit, who)
		}
	}
}
