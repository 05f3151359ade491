//go:build linux

package fault

import (
	"fmt"
	"strings"
	"time"
)

// fault is what fails in one run, and while what is done.
type fault struct {
	n         int
	phase     string
	calls     []string // injections, in strace's words
	any       bool     // on whatever file
	syncEvery time.Duration
}

func (f fault) String() string {
	s := f.phase + ", " + strings.Join(f.calls, " and ")
	if f.syncEvery > 0 {
		s += ", SyncEvery"
	}
	return s
}

// path is the file whose calls fail, "" for all.
func (f fault) path(store string) string {
	if f.any {
		return ""
	}
	return store
}

// fails is the injection of an error into the k-th call, and all that follow if on is "+".
func fails(name, err string, k int, on string) string {
	return fmt.Sprintf("%s:error=%s:when=%d%s", name, err, k, on)
}

// sweep returns faults of some calls at the positions 1 to n, with EIO and ENOSPC, once and from
// then on.
func sweep(phase string, n int, names ...string) (all []fault) {
	for _, name := range names {
		for _, err := range []string{"EIO", "ENOSPC"} {
			for _, on := range []string{"", "+"} {
				for k := 1; k <= n; k++ {
					all = append(all, fault{phase: phase, calls: []string{fails(name, err, k, on)}})
				}
			}
		}
	}
	return all
}

// allFaults is the whole figure, about 300 runs.
func allFaults() (all []fault) {
	all = append(all, sweep("work", 16, "pwrite64")...)
	all = append(all, sweep("work", 12, "fdatasync")...)
	all = append(all, sweep("work", 2, "fallocate", "ftruncate", "fsync")...)
	all = append(all, sweep("reap", 4, "pwrite64", "fdatasync")...)
	for _, every := range []time.Duration{0, time.Hour} {
		for _, f := range sweep("close", 3, "pwrite64", "fdatasync") {
			f.syncEvery = every
			all = append(all, f)
		}
	}
	all = append(all, openFaults()...)
	all = append(all, serviceFaults()...)
	return all
}

// openFaults are those of Open, and of opening again after a failed sync.
func openFaults() (all []fault) {
	for _, name := range []string{"openat", "fstat", "newfstatat", "pread64", "mmap", "flock"} {
		for _, when := range []string{"1", "2", "1+"} {
			injection := fmt.Sprintf("%s:error=EIO:when=%s", name, when)
			all = append(all, fault{phase: "open", calls: []string{injection}})
			all = append(all, fault{phase: "work", calls: []string{fails("fdatasync", "EIO", 2, ""), injection}})
		}
	}
	return all
}

// serviceFaults are those of Backup and Compact, which write to other files as well.
func serviceFaults() (all []fault) {
	for k := 1; k <= 4; k++ {
		all = append(all, fault{phase: "backup", calls: []string{fails("pread64", "EIO", k, "")}})
		all = append(all, fault{phase: "backup", calls: []string{fails("fdatasync", "EIO", k, "")}})
		all = append(all, fault{phase: "compact", calls: []string{fails("pwrite64", "ENOSPC", 4*k, "")}, any: true})
		all = append(all, fault{phase: "compact", calls: []string{fails("fdatasync", "EIO", k, "")}, any: true})
	}
	for _, phase := range []string{"backup", "compact"} {
		for _, name := range []string{"fsync", "ftruncate", "renameat", "linkat"} {
			all = append(all, fault{phase: phase, calls: []string{fails(name, "EIO", 1, "")}, any: true})
			all = append(all, fault{phase: phase, calls: []string{fails(name, "EIO", 2, "+")}, any: true})
		}
	}
	return all
}

// snapshotFaults are for a listing and a backup that are under way. Of a commit's two syncs the
// second is the meta page's.
func snapshotFaults() (all []fault) {
	for k := 1; k <= 4; k++ {
		once := fails("fdatasync", "EIO", k, "")
		all = append(all, fault{phase: "snapshot", calls: []string{once}})
		all = append(all, fault{phase: "snapshot", calls: []string{once, "pread64:delay_enter=300"}})
	}
	return all
}

// some takes n of all, evenly.
func some(all []fault, n int) (taken []fault) {
	for i := range n {
		taken = append(taken, all[i*len(all)/n])
	}
	return taken
}

// commitControl and snapshotControl are for a store that goes on after a failed commit.
func commitControl() []fault {
	return []fault{
		{phase: "work", calls: []string{fails("fdatasync", "EIO", 2, "")}},
		{phase: "work", calls: []string{fails("fdatasync", "EIO", 1, "")}},
	}
}

func snapshotControl() []fault {
	return []fault{
		{phase: "snapshot", calls: []string{fails("fdatasync", "EIO", 2, "")}},
		{phase: "snapshot", calls: []string{fails("fdatasync", "EIO", 4, "")}},
		{phase: "snapshot", calls: []string{fails("fdatasync", "EIO", 6, "")}},
	}
}
