//go:build linux

package trial

import (
	"context"
	"os"
	"os/exec"
)

// Needs looks for a program, and installs it from a Debian package of that name if this is Debian
// and it may.
func (t *Trial) Needs(ctx context.Context, program string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return Cannot("%s is missing; install it", program)
	}
	t.Figure("installs %s", program)
	if err := exec.CommandContext(ctx, "apt-get", "update", "-qq").Run(); err != nil {
		return Cannot("apt-get update: %v", err)
	}
	install := exec.CommandContext(ctx, "apt-get", "install", "-y", "-qq", "--no-install-recommends", program)
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := install.CombinedOutput(); err != nil {
		return Cannot("apt-get install %s: %v: %s", program, err, out)
	}
	return nil
}
