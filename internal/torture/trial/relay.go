//go:build linux

package trial

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// Relay has a part of the trial played in a process of its own, whose program may be another
// build of this one, and takes over what it prints. A role that dies is a broken promise.
func (t *Trial) Relay(ctx context.Context, program, role string) error {
	cmd := exec.CommandContext(ctx, program, t.RelayArgs(role)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	said := 0
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if t.Hear(lines.Text()) {
			said++
		}
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, said > 0 && cmd.ProcessState.ExitCode() == Broken:
		return nil
	}
	return fmt.Errorf("the process of %s ended with %v: %.4000s", role, err, stderr.String())
}

// RelayArgs are the arguments of a program that is to play a part of the trial.
func (t *Trial) RelayArgs(role string) []string {
	seed := strconv.FormatUint(t.Rand.Uint64(), 10)
	return []string{RoleFlag, role, t.Dir, strconv.FormatBool(t.Quick), strconv.FormatBool(t.Broken), seed}
}

// Hear takes over a line that a role printed, and says whether it is about a broken promise.
func (t *Trial) Hear(line string) (broken bool) {
	_, text, _ := strings.Cut(line, ": ")
	if problem, ok := strings.CutPrefix(text, "BROKEN: "); ok {
		t.Fail("%s", problem)
		return true
	}
	t.Figure("%s", text)
	return false
}

// Relayed is the role's side of Relay: it runs a part as a trial of its own.
func Relayed(name string, args []string, run func(context.Context, *Trial) error) error {
	if len(args) != 4 {
		return errors.New("usage: DIR QUICK BROKEN SEED")
	}
	seed, err := strconv.ParseUint(args[3], 10, 64)
	if err != nil {
		return err
	}
	t := &Trial{name: name, Dir: args[0], Quick: args[1] == "true", Broken: args[2] == "true", out: os.Stdout, Rand: random(seed, name)}
	if err := run(context.Background(), t); err != nil {
		return err
	}
	if t.failures > 0 && len(t.blind) == 0 {
		return errors.New(t.verdict())
	}
	return nil
}
