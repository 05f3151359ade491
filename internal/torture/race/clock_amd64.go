//go:build linux

package race

import (
	"encoding/binary"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

const (
	auxIgnore = 1       // AT_IGNORE
	auxVDSO   = 33      // AT_SYSINFO_EHDR
	exitKill  = 1 << 20 // PTRACE_O_EXITKILL
	sysGood   = syscall.PTRACE_O_TRACESYSGOOD
	clockWall = 0 // CLOCK_REALTIME
)

// prepare hides the page with the clock from a process that has just been started, stopped at its
// first instruction: its address is in the vector of (kind, value) that follows the environment on
// the stack.
func (c *tracedClock) prepare() error {
	if err := syscall.PtraceSetOptions(c.pid, sysGood|syscall.PTRACE_O_TRACECLONE|exitKill); err != nil {
		return trial.Cannot("trace a process: %v", err)
	}
	var regs syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(c.pid, &regs); err != nil {
		return err
	}
	at := uintptr(regs.Rsp)
	next := func() (word uint64) {
		var b [8]byte
		if _, err := syscall.PtracePeekData(c.pid, at, b[:]); err != nil {
			return 0
		}
		at += 8
		return binary.LittleEndian.Uint64(b[:])
	}
	at += 8 * uintptr(next()+1) // the arguments, and the nil after them
	for next() != 0 {           // the environment
	}
	for {
		kind := next()
		switch kind {
		case 0:
			return nil
		case auxVDSO:
			_, err := syscall.PtracePokeData(c.pid, at-8, binary.LittleEndian.AppendUint64(nil, auxIgnore))
			return err
		}
		at += 8
	}
}

// leave changes the time that a thread is about to be told.
func (c *tracedClock) leave(tid int) {
	wrong := time.Duration(c.wrong.Load())
	var regs syscall.PtraceRegs
	if wrong == 0 || syscall.PtraceGetRegs(tid, &regs) != nil {
		return
	}
	if regs.Orig_rax != syscall.SYS_CLOCK_GETTIME || regs.Rdi != clockWall || regs.Rax != 0 {
		return
	}
	var seconds [8]byte // of a struct timespec; whole ones are set
	if _, err := syscall.PtracePeekData(tid, uintptr(regs.Rsi), seconds[:]); err != nil {
		return
	}
	now := int64(binary.LittleEndian.Uint64(seconds[:])) + int64(wrong/time.Second)
	syscall.PtracePokeData(tid, uintptr(regs.Rsi), binary.LittleEndian.AppendUint64(nil, uint64(now)))
}
