//go:build linux

package damage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/naive"
	"github.com/boltsession/session/internal/torture/trial"
)

// make makes the file of a stock and returns its bytes, without what the file has in advance.
func (k stock) make(ctx context.Context, dir string, naively bool) ([]byte, error) {
	path := filepath.Join(dir, strings.ReplaceAll(k.Name, " ", "-")+".stock")
	how, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	cmd, err := trial.Player(ctx, "stock", path, string(how), fmt.Sprint(naively))
	if err != nil {
		return nil, err
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	if killed != k.Killed || err != nil && !killed {
		return nil, fmt.Errorf("make %s: %w: %s", path, err, out)
	}
	defer os.Remove(path)
	image, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a, err := dissect(image)
	if err != nil {
		return nil, err
	}
	return image[:a.pages*a.pageSize], nil
}

// playStock is the process that makes the file of a stock.
func playStock(args []string) error {
	if len(args) != 3 {
		return errors.New("want PATH STOCK NAIVELY")
	}
	path, k := args[0], stock{}
	if err := json.Unmarshal([]byte(args[1]), &k); err != nil {
		return err
	}
	store, err := openStock(path, k, args[2] == "true", io.Discard)
	if err != nil {
		return err
	}
	if err := k.fill(context.Background(), store); err != nil {
		return err
	}
	if k.Killed {
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return store.Close()
}

// openStock opens the file of a stock, or makes it.
func openStock(path string, k stock, naively bool, log io.Writer) (session.Store, error) {
	if naively {
		return naive.Open(path)
	}
	return session.Open(path, &session.BoltOptions{
		Reap: session.Never, NoSocket: true, Keys: k.encryptionKeys(), Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
}
