//go:build linux

package race

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// holdings is what a process has that outlives a call: goroutines by their IDs, file descriptors
// by their numbers, and the files in a directory.
type holdings struct {
	goroutines map[string]string // ID to stack
	fds        map[string]string // number to what it is open on
	files      map[string]string
}

// held returns what the process has now.
func held(dir string) holdings {
	return holdings{goroutines: goroutineStacks(), fds: openFDs(), files: filesIn(dir)}
}

// leaked returns what has come since and does not go in two seconds: goroutines end and files are
// closed a little after the call that told them to.
func (before holdings) leaked(dir string) (found []string) {
	for deadline := time.Now().Add(2 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		now := held(dir)
		found = nil
		found = append(found, more("goroutine", before.goroutines, now.goroutines)...)
		found = append(found, more("file descriptor", before.fds, now.fds)...)
		found = append(found, more("file", before.files, now.files)...)
		if len(found) == 0 || time.Now().After(deadline) {
			return found
		}
	}
}

func more(what string, before, now map[string]string) (found []string) {
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if was, ok := before[key]; !ok || was != now[key] && what == "file descriptor" {
			found = append(found, fmt.Sprintf("%s %s: %.600s", what, key, now[key]))
		}
	}
	return found
}

// allStacks returns the stacks of all goroutines.
func allStacks() []byte {
	for buf := make([]byte, 1<<20); ; buf = make([]byte, 2*len(buf)) {
		if n := runtime.Stack(buf, true); n < len(buf) {
			return buf[:n]
		}
	}
}

// goroutineStacks returns the stacks of all goroutines but this one.
func goroutineStacks() map[string]string {
	stacks := map[string]string{}
	for i, stack := range bytes.Split(allStacks(), []byte("\n\n")) {
		head, rest, _ := strings.Cut(string(stack), "\n")
		if id := strings.Fields(head); i > 0 && len(id) > 1 {
			stacks[id[1]] = functions(rest)
		}
	}
	return stacks
}

// functions returns the names of the functions on a stack, innermost first, and of its creator.
func functions(stack string) string {
	var names []string
	for line := range strings.Lines(stack) {
		if strings.HasPrefix(line, "\t") {
			continue
		}
		name := strings.TrimSpace(line)
		if args := strings.LastIndex(name, "("); args > 0 && strings.HasSuffix(name, ")") {
			name = name[:args]
		}
		names = append(names, name)
	}
	return strings.Join(names, " < ")
}

// openFDs returns the open file descriptors, but for the one that lists them. Go's poller opens
// some of its own at the first use, and keeps them.
func openFDs() map[string]string {
	fds := map[string]string{}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		to, err := os.Readlink("/proc/self/fd/" + e.Name())
		if err == nil && !strings.Contains(to, "[event") && !strings.HasPrefix(to, "/proc/") {
			fds[e.Name()] = to
		}
	}
	return fds
}

// filesIn returns the paths below dir.
func filesIn(dir string) map[string]string {
	files := map[string]string{}
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != dir {
			files[path] = d.Type().String()
		}
		return nil
	})
	return files
}
