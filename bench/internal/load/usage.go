package load

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/boltsession/session/bench/internal/peer"
	"github.com/boltsession/session/bench/internal/result"
)

// Usage is what the process has used up so far.
type Usage struct {
	mallocs, bytes                     uint64
	writeBytes, writeChars, writeCalls uint64
	commits                            uint64
}

// Used returns what the process has used up. It stops all goroutines for a moment.
func Used(p peer.Peer) (Usage, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u := Usage{mallocs: m.Mallocs, bytes: m.TotalAlloc}
	io, err := procFile("/proc/self/io")
	if err != nil {
		return u, err
	}
	u.writeBytes, u.writeChars, u.writeCalls = io["write_bytes"], io["wchar"], io["syscw"]
	if c, ok := p.(peer.Commits); ok {
		u.commits = c.Commits()
	}
	return u, nil
}

// Fill puts what was used up between two moments into a sample, per op, and how large the process
// and its files are.
func (u Usage) Fill(s *result.Sample, after Usage, p peer.Peer) error {
	per := func(from, to uint64) float64 { return float64(to-from) / float64(max(1, s.Ops)) }
	s.Allocs, s.AllocBytes = per(u.mallocs, after.mallocs), per(u.bytes, after.bytes)
	s.WriteBytes, s.WriteChars = per(u.writeBytes, after.writeBytes), per(u.writeChars, after.writeChars)
	s.WriteCalls, s.Commits = per(u.writeCalls, after.writeCalls), per(u.commits, after.commits)
	s.FileBytes = p.Size()
	var err error
	s.RSS, err = RSS()
	return err
}

// RSS returns how much memory the process has in use, that of mapped files included.
func RSS() (int64, error) {
	status, err := procFile("/proc/self/status")
	return int64(status["VmRSS"]) << 10, err
}

// Heap returns the bytes that are reachable.
func Heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers and pools let go of
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// procFile reads the lines "name: number" of a file under /proc.
func procFile(path string) (map[string]uint64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the benchmarks need Linux: %w", err)
	}
	defer f.Close()
	values := map[string]uint64{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		name, value, _ := strings.Cut(sc.Text(), ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		if n, err := strconv.ParseUint(fields[0], 10, 64); err == nil {
			values[name] = n
		}
	}
	return values, nil
}
