//go:build linux && !amd64

package race

import (
	"runtime"

	"github.com/boltsession/session/internal/torture/trial"
)

func (c *tracedClock) prepare() error {
	return trial.Cannot("setting the clock of one process is written for amd64, not %s", runtime.GOARCH)
}

func (c *tracedClock) leave(int) {}
