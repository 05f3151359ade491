package proc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/boltsession/session/bench/internal/result"
	"github.com/boltsession/session/bench/internal/work"
)

// process is a peer's process, seen from the one that leads.
type process struct {
	peer  string
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *json.Decoder
	trace string // file that strace writes to, "" when it does not
}

// start starts a peer's process and has it set its workload up.
func start(ctx context.Context, peer string, w work.Workload, quick bool, dir string, watch bool) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	size := "full"
	if quick {
		size = "quick"
	}
	p := &process{peer: peer}
	args := []string{self, ChildArg, peer, w.Name, filepath.Join(dir, peer), size}
	if watch {
		p.trace = filepath.Join(dir, peer+".trace")
		args = append([]string{"strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-e", "signal=none", "-o", p.trace}, args...)
	}
	p.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	return p, p.cmd.Start()
}

// hear waits for what the process says.
func (p *process) hear() (result.Sample, error) {
	var a answer
	if err := p.out.Decode(&a); err != nil {
		return a.Sample, fmt.Errorf("%s: its process ended: %w", p.peer, err)
	}
	if a.Error != "" {
		return a.Sample, fmt.Errorf("%s: %s", p.peer, a.Error)
	}
	return a.Sample, nil
}

// run has the process run a case once.
func (p *process) run(number int) (result.Sample, error) {
	if err := json.NewEncoder(p.in).Encode(order{number}); err != nil {
		return result.Sample{}, fmt.Errorf("%s: send order: %w", p.peer, err)
	}
	s, err := p.hear()
	if err != nil || p.trace == "" {
		return s, err
	}
	n, err := countSyncs(p.trace)
	s.Extra = result.Figures{result.Fsyncs: float64(n) / float64(max(1, s.Ops))}
	return s, err
}

// stop has the process close its peer and waits for it.
func (p *process) stop() error {
	err := errors.Join(p.in.Close(), p.cmd.Wait())
	if err != nil {
		return fmt.Errorf("%s: %w", p.peer, err)
	}
	return nil
}
