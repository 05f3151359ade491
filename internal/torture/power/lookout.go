//go:build linux

package power

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// lookTime is how long a look may take. It takes some milliseconds.
const lookTime = 30 * time.Second

// A lookout has lookers, processes of their own, look into directories: what they meet there may
// end them.
type lookout struct {
	naive bool
	cmd   *exec.Cmd // nil: none is at work
	in    io.WriteCloser
	out   *json.Decoder
	said  *opening
}

// look looks into a directory. The error is about this machine; what a looker dies of is in look.Open.
func (o *lookout) look(ctx context.Context, dir string) (*look, error) {
	if o.cmd == nil {
		if err := o.start(ctx); err != nil {
			return nil, fmt.Errorf("start looker: %w", err)
		}
	}
	slow := time.AfterFunc(lookTime, func() { o.cmd.Process.Kill() })
	defer slow.Stop()
	_, writeErr := fmt.Fprintln(o.in, dir)
	l := &look{}
	readErr := o.out.Decode(l)
	if writeErr == nil && readErr == nil {
		return l, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err := o.close()
	if !slow.Stop() {
		err = fmt.Errorf("it took more than %v", lookTime)
	}
	return &look{Open: fmt.Sprintf("the process died: %v: %s", err, o.said)}, nil
}

func (o *lookout) start(ctx context.Context) error {
	var args []string
	if o.naive {
		args = append(args, "naive")
	}
	cmd, err := trial.Player(ctx, "looker", args...)
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if o.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	o.said = &opening{}
	cmd.Stderr, o.out = o.said, json.NewDecoder(out)
	if err := cmd.Start(); err != nil {
		return err
	}
	o.cmd = cmd
	return nil
}

// close ends the looker.
func (o *lookout) close() error {
	if o.cmd == nil {
		return nil
	}
	o.in.Close()
	err := o.cmd.Wait()
	o.cmd = nil
	return err
}

// An opening keeps the beginning of what is written to it.
type opening struct{ text []byte }

// Write implements io.Writer.
func (t *opening) Write(p []byte) (int, error) {
	t.text = append(t.text, p[:min(len(p), 2000-len(t.text))]...)
	return len(p), nil
}

func (t *opening) String() string { return string(t.text) }

// imageDir returns a new directory for images, in memory if there is such a file system: they are
// many and nobody needs them for long.
func imageDir(t *trial.Trial) (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("/dev/shm", "torture-")
	if err != nil {
		dir = filepath.Join(t.Dir, "images")
		err = os.MkdirAll(dir, 0o700)
	}
	return dir, func() { os.RemoveAll(dir) }, err
}
