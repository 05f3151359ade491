//go:build linux

package hostile

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// vitals is what an app has in use, and has done.
type vitals struct {
	Records    int
	Commits    uint64
	RSS        int // KiB
	Anon       int // KiB of it that are not pages of files, such as the store's
	Goroutines int
	FDs        int
}

func (a *app) vitals() (vitals, error) {
	v := vitals{Records: a.records(), Goroutines: runtime.NumGoroutine()}
	if a.store != nil {
		v.Commits = a.store.Stats().Commits
	}
	var err error
	if v.FDs, err = openFiles(os.Getpid()); err != nil {
		return v, err
	}
	if v.RSS, err = sizeOf(os.Getpid(), "VmRSS"); err != nil {
		return v, err
	}
	v.Anon, err = sizeOf(os.Getpid(), "RssAnon")
	return v, err
}

// openFiles returns how many files a process has open.
func openFiles(pid int) (int, error) {
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(list), err
}

// sizeOf returns one of the sizes in a process's status, in KiB.
func sizeOf(pid int, which string) (kib int, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, which+": %d kB", &kib); n == 1 {
			return kib, nil
		}
	}
	return 0, fmt.Errorf("no %s in the status of process %d", which, pid)
}
