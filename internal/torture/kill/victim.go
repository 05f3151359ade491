//go:build linux

package kill

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// patience is how long a process may take to say the next thing. It is not a promise of the library,
// but a process that hangs is a broken one.
const patience = time.Minute

// A victim is a process that plays a role and is killed in the middle of it. It says on its standard
// output how far it is, a line each, and what it finds, after the word found.
type victim struct {
	cmd    *exec.Cmd
	input  io.Closer // closing it asks the process to end what it does
	lines  chan string
	stderr bytes.Buffer
	find   finder
}

// found begins a line with what a process found, and is followed by the kind.
const found = "found "

// say is how a role says how far it is.
func say(words ...any) { fmt.Println(words...) }

// sayFound is the finder of a role.
func sayFound(kind, format string, args ...any) {
	say(found + kind + " " + strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
}

// start starts a process that plays a role.
func start(ctx context.Context, find finder, role string, args ...string) (*victim, error) {
	cmd, err := trial.Player(ctx, role, args...)
	if err != nil {
		return nil, err
	}
	v := &victim{cmd: cmd, find: find, lines: make(chan string)}
	cmd.Stderr = &v.stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	v.input = input
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(v.lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			v.lines <- in.Text()
		}
	}()
	return v, nil
}

// until waits until the process says line, and returns what comes after it.
func (v *victim) until(line string) (rest string, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case said, ok := <-v.lines:
			if !ok {
				v.cmd.Wait()
				return "", fmt.Errorf("the process ended before %q: %v: %s", line, v.cmd.ProcessState, v.lastWords())
			}
			if rest, ok := strings.CutPrefix(said, line); ok {
				return rest, nil
			}
			v.hear(said)
		case <-timer.C:
			v.cmd.Process.Signal(syscall.SIGQUIT) // which has Go say where it hangs
			v.kill()
			return "", fmt.Errorf("the process hangs before %q: %s", line, v.lastWords())
		}
	}
}

// hear passes on what the process found.
func (v *victim) hear(said string) {
	if rest, ok := strings.CutPrefix(said, found); ok {
		kind, what, _ := strings.Cut(rest, " ")
		v.find(kind, "%s", what)
	}
}

// kill kills the process and waits for its end. It returns what the process said meanwhile, and an
// error if it died of something else.
func (v *victim) kill() (said []string, err error) {
	v.cmd.Process.Kill()
	for line := range v.lines {
		said = append(said, line)
		v.hear(line)
	}
	v.input.Close()
	var exit *exec.ExitError
	err = v.cmd.Wait()
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return said, nil
	}
	return said, fmt.Errorf("the process ended before it was killed: %v: %s", v.cmd.ProcessState, v.lastWords())
}

// lastWords is the end of what the process wrote to its standard error. The process has ended.
func (v *victim) lastWords() string {
	words := v.stderr.String()
	if len(words) > 4000 {
		words = words[:2000] + " … " + words[len(words)-2000:]
	}
	return words
}
