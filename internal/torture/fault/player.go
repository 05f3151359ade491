//go:build linux

package fault

import (
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"strings"

	"github.com/boltsession/session/internal/torture/trial"
)

// player returns the command that plays a role by an order, with what it will print.
func player(ctx context.Context, role string, order any) (cmd *exec.Cmd, stdout io.Reader, stderr *strings.Builder, err error) {
	arg, err := json.Marshal(order)
	if err != nil {
		return nil, nil, nil, err
	}
	if cmd, err = trial.Player(ctx, role, string(arg)); err != nil {
		return nil, nil, nil, err
	}
	if stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, nil, nil, err
	}
	stderr = new(strings.Builder)
	cmd.Stderr = stderr
	return cmd, stdout, stderr, nil
}
