//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// roleFlag starts this program as a part in a trial, the process that is killed, say. It is not
// for the command line.
const roleFlag = "-role"

// roles are the parts that this program plays in processes of their own. What one prints goes to
// its trial.
var roles = map[string]func(args []string) error{
	"stock":     playStock,
	"surveyor":  playSurveyor,
	"recoverer": playRecoverer,
	"living":    playLiving,
	"checker":   playChecker,
}

func play(name string, args []string) int {
	role, ok := roles[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "torture: no role %q\n", name)
		return exitUsage
	}
	if err := role(args); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return exitBroken
	}
	return 0
}

// player is the command that plays a role. It is killed when ctx ends.
func player(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, self, append([]string{roleFlag, name}, args...)...), nil
}
