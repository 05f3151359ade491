//go:build linux

package trial

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// RoleFlag starts the program as a part in a trial, the process that is killed, say. It is not
// for the command line.
const RoleFlag = "-role"

// Roles are parts that the program plays in processes of their own. What one prints goes to
// its trial.
type Roles map[string]func(args []string) error

// Play plays the role of that name, if the arguments of the program say that it has one, and
// returns the exit code.
func Play(roles Roles, args []string) (code int, ok bool) {
	if len(args) < 2 || args[0] != RoleFlag {
		return 0, false
	}
	name := args[1]
	role, ok := roles[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "torture: no role %q\n", name)
		return Usage, true
	}
	if err := role(args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return Broken, true
	}
	return Held, true
}

// Player is the command that plays a role. It is killed when ctx ends.
func Player(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, self, append([]string{RoleFlag, name}, args...)...), nil
}
