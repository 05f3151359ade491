//go:build linux

package race

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// soakClose closes stores in the middle of their work. What was acknowledged has to be there when
// they are opened again, and what was not must not.
func soakClose(ctx context.Context, t *trial.Trial) error {
	rounds, lost, saves := t.Size(200, 15), 0, 0
	if t.Broken {
		rounds = 3
	}
	var longest time.Duration
	for i := range rounds {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		mode, actors := soakModes[i%len(soakModes)], soakSavers(16)
		if t.Broken {
			mode = soakModes[len(soakModes)-1]
		} else if i%2 == 0 {
			actors = soakVisitors(16)
		}
		run := &soakRun{t: t, path: filepath.Join(t.Dir, fmt.Sprint("close ", i, ".db")), options: session.BoltOptions{
			SyncEvery: mode.every, TouchInterval: 10 * time.Millisecond, NoSocket: true,
		}}
		length := time.Duration(1+t.Rand.IntN(120)) * time.Millisecond
		if err := run.run(ctx, length, actors); err != nil {
			return err
		}
		path, err := run.durable()
		if err != nil {
			return err
		}
		n, err := run.judge(ctx, path)
		if err != nil {
			t.Fail("%s: open again: %v", mode.name, err)
		}
		lost += n
		saves += run.counts["creations"] + run.counts["saves of copies"] + run.counts["saves of live sessions"]
		longest = max(longest, run.closed)
		os.Remove(run.path)
	}
	t.Figure("closed under load %d times: %d acknowledged saves, %d lost; Close took %v at most", rounds, saves, lost, longest.Round(time.Millisecond))
	return nil
}

// durable returns the path of what a store left on disk: its file, closed. Of a control it is a
// copy made before Close.
func (r *soakRun) durable() (string, error) {
	if !r.t.Broken {
		return r.path, nil
	}
	copied := r.path + ".before"
	if err := copyFile(r.path, copied); err != nil {
		return "", err
	}
	return copied, r.store.Close()
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
