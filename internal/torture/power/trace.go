//go:build linux

package power

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"strconv"
	"strings"
)

// A tracedCall is one system call of a traced process. What it did to the machine, it did between
// begin and end. So a call that ended before another one began comes before it; of calls that
// overlap nobody knows.
type tracedCall struct {
	name       string
	args       []string // as strace prints them
	ret        int64
	failed     bool    // it returned an error
	begin, end int     // places in the trace; end is never if it did not return
	at         float64 // when it began, in seconds
}

const never = math.MaxInt

// stracer is the command that runs another one and writes its system calls of some kinds, those of
// all its threads and with all that they write, to the file out. more are further flags.
func stracer(ctx context.Context, out, kinds string, cmd *exec.Cmd, more ...string) *exec.Cmd {
	args := []string{"-f", "--seccomp-bpf", "-qqq", "-ttt", "-s", "4194304", "-e", "signal=none", "-o", out, "-e", "trace=" + kinds}
	return exec.CommandContext(ctx, "strace", append(append(args, more...), cmd.Args...)...)
}

// parseTrace reads what a stracer wrote.
func parseTrace(r io.Reader) ([]*tracedCall, error) {
	p := traceParser{open: make(map[string]unfinished)}
	for lines := bufio.NewReaderSize(r, 1<<20); ; {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // a line without an end was cut off with the process
		}
		if err != nil {
			return nil, fmt.Errorf("read trace: %w", err)
		}
		p.place++
		if err := p.line(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("trace, line %d: %w", p.place, err)
		}
	}
	return p.calls, p.close()
}

// traceParser is where the reading is.
type traceParser struct {
	place int // of the line
	calls []*tracedCall
	open  map[string]unfinished // by thread
}

// unfinished is a call that has begun: other threads' calls come before its end.
type unfinished struct {
	call *tracedCall
	text string // of its arguments so far
}

const (
	unfinishedMark = " <unfinished ...>"
	resumedMark    = " resumed>"
)

// line reads one line: "thread time name(arguments) = result", with the same split in two by the marks,
// or what happened to a thread.
func (p *traceParser) line(s string) error {
	thread, s, _ := strings.Cut(s, " ")
	when, s, ok := strings.Cut(strings.TrimLeft(s, " "), " ")
	at, err := strconv.ParseFloat(when, 64)
	if !ok || err != nil {
		return errors.New("no thread and time")
	}
	switch {
	case strings.HasPrefix(s, "+++"), strings.HasPrefix(s, "---"):
		return nil
	case strings.HasPrefix(s, "<... "):
		was, ok := p.open[thread]
		_, rest, marked := strings.Cut(s, resumedMark)
		if !ok || !marked {
			return errors.New("it ends a call that did not begin")
		}
		delete(p.open, thread)
		was.call.end = p.place
		return was.call.parse(was.text + rest)
	}
	name, text, ok := strings.Cut(s, "(")
	if !ok {
		return errors.New("no call")
	}
	c := &tracedCall{name: name, begin: p.place, end: never, at: at}
	p.calls = append(p.calls, c)
	if text, ok := strings.CutSuffix(text, unfinishedMark); ok {
		p.open[thread] = unfinished{c, text}
		return nil
	}
	c.end = p.place
	return c.parse(text)
}

// close reads the arguments of the calls that never ended.
func (p *traceParser) close() error {
	for _, u := range p.open {
		if err := u.call.parse(u.text + ") = ?"); err != nil {
			return fmt.Errorf("trace, line %d: %w", u.call.begin, err)
		}
	}
	return nil
}

// parse reads what follows the opening parenthesis.
func (c *tracedCall) parse(text string) (err error) {
	var rest string
	if c.args, rest, err = splitArgs(text); err != nil {
		return err
	}
	_, result, ok := strings.Cut(rest, "= ")
	if !ok {
		return errors.New("no result")
	}
	result, _, _ = strings.Cut(result, " ")
	if result == "?" { // the process ended in it
		c.end = never
		return nil
	}
	c.ret, err = strconv.ParseInt(result, 0, 64)
	if err != nil && strings.HasPrefix(result, "0x") {
		err = nil // an address
	}
	c.failed = c.ret == -1
	return err
}
