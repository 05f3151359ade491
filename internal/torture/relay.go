//go:build linux

package main

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

// relay has a part of the trial played in a process of its own, whose program may be another
// build of this one, and takes over what it prints. A role that dies is a broken promise.
func (t *trial) relay(ctx context.Context, program, role string) error {
	cmd := exec.CommandContext(ctx, program, t.relayArgs(role)...)
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
		if t.hear(lines.Text()) {
			said++
		}
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, said > 0 && cmd.ProcessState.ExitCode() == exitBroken:
		return nil
	}
	return fmt.Errorf("the process of %s ended with %v: %.4000s", role, err, stderr.String())
}

func (t *trial) relayArgs(role string) []string {
	seed := strconv.FormatUint(t.rand.Uint64(), 10)
	return []string{roleFlag, role, t.dir, strconv.FormatBool(t.quick), strconv.FormatBool(t.broken), seed}
}

// hear takes over a line that a role printed, and says whether it is about a broken promise.
func (t *trial) hear(line string) (broken bool) {
	_, text, _ := strings.Cut(line, ": ")
	if problem, ok := strings.CutPrefix(text, "BROKEN: "); ok {
		t.fail("%s", problem)
		return true
	}
	t.figure("%s", text)
	return false
}

// relayed is the role's side of relay: it runs a part as a trial of its own.
func relayed(name string, args []string, run func(context.Context, *trial) error) error {
	if len(args) != 4 {
		return errors.New("usage: DIR QUICK BROKEN SEED")
	}
	seed, err := strconv.ParseUint(args[3], 10, 64)
	if err != nil {
		return err
	}
	t := &trial{name: name, dir: args[0], quick: args[1] == "true", broken: args[2] == "true", out: os.Stdout, rand: random(seed, name)}
	if err := run(context.Background(), t); err != nil {
		return err
	}
	if t.failures > 0 {
		return errors.New(t.verdict())
	}
	return nil
}
