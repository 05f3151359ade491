//go:build linux

package race

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// clockPrefix begins the line with which a role asks to have its clock set: by how much it is to be
// wrong.
const clockPrefix = "clock: set "

// relayWithClock is relay for a role whose wall clock can be set. The machine's clock stays as it is:
// the role is traced, and the time that the kernel tells it is changed on the way. As Go reads the
// clock from a page that the kernel shares with every process, without a system call, that page is
// hidden from the role when it begins.
func relayWithClock(ctx context.Context, t *trial.Trial, role string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(self, t.RelayArgs(role)...)
	cmd.Stdout, cmd.Stderr = in, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}
	clock := &tracedClock{}
	ended := make(chan error, 1)
	go func() { ended <- clock.run(ctx, cmd, in) }()
	said := hearClock(t, out, clock)
	err = <-ended
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && clock.exit != 0 && said == 0:
		return fmt.Errorf("the process of %s ended with status %d", role, clock.exit)
	}
	return err
}

// hearClock takes over what a role prints, and sets its clock when it asks for that. It returns how
// many broken promises there were.
func hearClock(t *trial.Trial, out io.Reader, clock *tracedClock) (broken int) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if by, ok := strings.CutPrefix(lines.Text(), clockPrefix); ok {
			d, _ := time.ParseDuration(by)
			clock.wrong.Store(int64(d))
		} else if t.Hear(lines.Text()) {
			broken++
		}
	}
	return broken
}

// waitOwn has wait4 wait for what this thread started or traces, and not for other parts of the
// program's processes: __WALL and __WNOTHREAD.
const waitOwn = syscall.WALL | 0x20000000

// tracedClock is the wall clock of a traced process.
type tracedClock struct {
	wrong atomic.Int64 // nanoseconds
	exit  int          // status of the process, once it has ended

	pid    int
	inside map[int]bool // threads that are in a system call
}

// run starts the process and traces it to its end. in is closed when there is nobody left to write.
func (c *tracedClock) run(ctx context.Context, cmd *exec.Cmd, in io.Closer) error {
	runtime.LockOSThread() // the kernel takes a thread for the tracer, not a process
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	in.Close()
	if err != nil {
		return trial.Cannot("trace a process: %v", err)
	}
	c.pid, c.inside = cmd.Process.Pid, map[int]bool{}
	defer cmd.Process.Release()
	stop := context.AfterFunc(ctx, func() { syscall.Kill(c.pid, syscall.SIGKILL) })
	defer stop()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(c.pid, &status, waitOwn, nil); err != nil || !status.Stopped() {
		return trial.Cannot("trace a process: %v, status %#x", err, status)
	}
	if err := c.prepare(); err != nil {
		syscall.Kill(c.pid, syscall.SIGKILL)
		syscall.Wait4(c.pid, &status, waitOwn, nil)
		return err
	}
	return c.trace()
}

// trace has the process go on from one system call to the next until it ends.
func (c *tracedClock) trace() error {
	if err := syscall.PtraceSyscall(c.pid, 0); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &status, waitOwn, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("trace: %w", err)
		case status.Exited() || status.Signaled():
			delete(c.inside, tid)
			if tid == c.pid {
				c.exit = max(status.ExitStatus(), -status.ExitStatus())
				return nil
			}
			continue
		}
		signal := 0
		switch sig := status.StopSignal(); {
		case sig == syscall.SIGTRAP|0x80:
			if c.inside[tid] = !c.inside[tid]; !c.inside[tid] {
				c.leave(tid)
			}
		case sig == syscall.SIGTRAP, sig == syscall.SIGSTOP: // a new thread, seen from either side
		default:
			signal = int(sig)
		}
		if err := syscall.PtraceSyscall(tid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("trace: %w", err)
		}
	}
}
