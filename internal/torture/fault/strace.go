//go:build linux

package fault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// injector is an strace that has system calls of a process fail, from when it was attached to when
// it is detached.
type injector struct {
	cmd *exec.Cmd
	log string
}

// errAttach: strace may not trace here.
var errAttach = errors.New("strace cannot attach")

// tracedCalls are what strace looks at: what is done to files.
const tracedCalls = "pwrite64,write,fdatasync,fsync,ftruncate,fallocate,mmap,openat,close,fstat,newfstatat,pread64,flock,rename,renameat,renameat2,linkat"

// inject attaches strace to a process. Its counts begin here, for each thread of its own. path
// limits it to one file; "" does not.
func inject(ctx context.Context, pid int, path, log string, injections ...string) (*injector, error) {
	args := []string{"-f", "-y", "-s", "0", "-o", log, "-e", "trace=" + tracedCalls, "-e", "signal=none"}
	if path != "" {
		args = append(args, "-P", path)
	}
	for _, i := range injections {
		args = append(args, "-e", "inject="+i)
	}
	cmd := exec.CommandContext(ctx, "strace", append(args, "-p", strconv.Itoa(pid))...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(stderr)
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
		if strings.Contains(lines.Text(), "attached") {
			go io.Copy(io.Discard, stderr)
			return &injector{cmd, log}, nil
		}
	}
	cmd.Wait()
	return nil, fmt.Errorf("%w: %s", errAttach, strings.Join(said, "; "))
}

// detach lets the process go on without faults.
func (i *injector) detach() error {
	i.cmd.Process.Signal(syscall.SIGINT)
	done := make(chan error, 1)
	go func() { done <- i.cmd.Wait() }()
	select {
	case <-done: // it dies of the signal that we sent
		return nil
	case <-time.After(20 * time.Second):
		i.cmd.Process.Kill()
		return errors.New("strace does not detach")
	}
}

// call is a system call of a trace, where it ended.
type call struct {
	name     string
	args     string
	result   string
	failed   bool
	injected bool
	began    int // the line
}

var (
	callLine    = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (.*)$`)
	brokenLine  = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$`)
	resumedLine = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$`)
)

// parseTrace reads what strace -f -y wrote, in the order in which the calls ended.
func parseTrace(r io.Reader) (calls []call, err error) {
	open := make(map[string]call)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 0; lines.Scan(); n++ {
		line := lines.Text()
		if m := brokenLine.FindStringSubmatch(line); m != nil {
			open[m[1]] = call{name: m[2], args: m[3], began: n}
		} else if m := resumedLine.FindStringSubmatch(line); m != nil {
			c := open[m[1]]
			delete(open, m[1])
			if c.name != m[2] {
				return calls, fmt.Errorf("line %d: %s resumed, begun was %q", n+1, m[2], c.name)
			}
			c.args += m[3]
			calls = append(calls, c.ended(m[4]))
		} else if m := callLine.FindStringSubmatch(line); m != nil {
			calls = append(calls, call{name: m[2], args: m[3], began: n}.ended(m[4]))
		}
	}
	return calls, lines.Err()
}

func (c call) ended(result string) call {
	c.result = result
	c.failed = strings.HasPrefix(result, "-1 ")
	c.injected = strings.HasSuffix(result, "(INJECTED)")
	return c
}

// on says whether the call was on a file: by a descriptor, or by its name.
func (c call) on(path string) bool {
	return strings.Contains(c.args, "<"+path+">") || strings.Contains(c.args, `"`+path+`"`)
}

func readTrace(path string) ([]call, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTrace(f)
}

// afterFailedSync returns the first write to the file, or sync of it, that succeeded after a sync
// had failed, without that the file had been closed and opened in between. nil: there is none.
func afterFailedSync(calls []call, path string) *call {
	failed, closed := false, false
	since := 0
	for n, c := range calls {
		if !c.on(path) {
			continue
		}
		isSync := c.name == "fdatasync" || c.name == "fsync"
		switch {
		case isSync && c.failed:
			failed, closed, since = true, false, c.began
		case failed && c.name == "close":
			closed = true
		case failed && closed && c.name == "openat" && !c.failed:
			failed = false
		case failed && !c.failed && c.began > since && (isSync || c.name == "pwrite64" || c.name == "ftruncate"):
			return &calls[n]
		}
	}
	return nil
}

// injections counts the calls that were made to fail.
func injections(calls []call) (n int) {
	for _, c := range calls {
		if c.injected {
			n++
		}
	}
	return n
}
