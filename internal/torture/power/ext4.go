//go:build linux

package power

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

var ext4 = trial.Technique{
	Name:   "ext4",
	What:   "power cuts under a real file system: the disk of a mounted ext4 copied while the store's process stands still",
	Proves: "2",
	Breaks: "what SyncEvery accepted passes for durable",
	Run:    runExt4,
}

func runExt4(ctx context.Context, t *trial.Trial) error {
	if os.Geteuid() != 0 {
		return trial.Cannot("only root can mount")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		return trial.Cannot("mkfs.ext4 is missing; install e2fsprogs")
	}
	c, err := newCutter(t)
	if err != nil {
		return err
	}
	defer c.close()
	cuts := t.Size(200, 12)
	if t.Broken {
		cuts = 4
	}
	for i, options := range []string{"data=ordered", "data=writeback,commit=1"} {
		if err := c.standStill(ctx, i, options, cuts/2); err != nil {
			return err
		}
	}
	c.Figure("%d copies of the disk, %d acknowledged deeds on them and %d backups: %d not opened, %d lost, %d revived, %d torn, %d strange, %d others",
		c.imaged, c.deeds, c.backups, c.wrong["unopened"], c.wrong["lost"], c.wrong["revived"], c.wrong["torn"], c.wrong["strange"], c.wrong["other"])
	if len(c.findings) > 0 {
		c.Fail("%s", c.findings[0])
	}
	return nil
}

// standStill has a scribe work on a new volume and cuts the power some times.
func (c *cutter) standStill(ctx context.Context, i int, options string, cuts int) (err error) {
	v, err := newVolume(ctx, filepath.Join(c.dir, fmt.Sprint("volume", i)))
	if err != nil {
		return err
	}
	if err := v.mount(ctx, filepath.Join(c.Trial.Dir, fmt.Sprint("mounted", i)), options); err != nil {
		return trial.Cannot("%v", err)
	}
	defer func() { err = errors.Join(err, v.unmount()) }()
	dir, err := v.store()
	if err != nil {
		return err
	}
	p, err := c.startScribe(ctx, dir, fmt.Sprint("story", i))
	if err != nil {
		return err
	}
	defer p.kill()
	for n := range cuts {
		pauseFor(ctx, time.Duration(10+c.Rand.IntN(90))*time.Millisecond)
		j := judgement{cutter: c, story: p.story, time: func(int) float64 { return 1 }, what: fmt.Sprintf("%s, cut %d", options, n)}
		cut, err := p.cut(v, filepath.Join(c.dir, "cut"))
		if err != nil {
			return err
		}
		j.moment = moment{place: p.place + 1, at: 1}
		if err := c.lookOn(ctx, cut, options, j); err != nil {
			return err
		}
		c.imaged++
	}
	return ctx.Err()
}

// lookOn mounts a copy of a disk and looks at the store on it.
func (c *cutter) lookOn(ctx context.Context, v *volume, options string, j judgement) error {
	if err := v.mount(ctx, filepath.Join(c.Trial.Dir, "cut"), options); err != nil {
		return err
	}
	var err error
	if j.look, err = c.look(ctx, filepath.Join(v.dir, "store")); err == nil {
		j.all()
	}
	if v.unmount() == nil {
		return err
	}
	c.lookout.close() // a store that cannot be opened may leave it in use
	return errors.Join(err, v.unmount())
}

// A stillScribe is a scribe's process that can be made to stand still.
type stillScribe struct {
	cmd   *exec.Cmd
	said  *opening
	told  *os.File
	rest  string // of a line that is not all there
	story *chronicle
	place int // lines so far
}

func (c *cutter) startScribe(ctx context.Context, dir, name string) (*stillScribe, error) {
	work := workload{Name: "w", Seed: c.Rand.Uint64(), Writers: 16, Deeds: 1 << 30, NoExpiry: true, Maintain: 200 * time.Millisecond, Backups: 2, Compacts: 1000}
	if c.Broken {
		work.SyncEvery, work.Maintain = time.Second, time.Hour
	}
	args, err := json.Marshal(work)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Trial.Dir, name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return nil, err
	}
	p := &stillScribe{said: &opening{}, story: newChronicle()}
	if p.told, err = os.Open(path); err != nil {
		return nil, err
	}
	if p.cmd, err = trial.Player(ctx, "scribe", dir, path, string(args)); err != nil {
		return nil, err
	}
	p.cmd.Stderr = p.said
	return p, p.cmd.Start()
}

// cut stops the process, copies the disk as it is then, and has the process go on. What was told
// before is known then.
func (p *stillScribe) cut(v *volume, file string) (copied *volume, err error) {
	pid := p.cmd.Process.Pid
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return nil, err
	}
	var status syscall.WaitStatus
	for {
		_, err = syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil || !status.Stopped() {
		return nil, fmt.Errorf("the scribe ended: %v %s", err, p.said)
	}
	if copied, err = v.copy(file); err != nil {
		return nil, err
	}
	told, err := io.ReadAll(p.told)
	if err != nil {
		return nil, err
	}
	p.rest += string(told)
	for line := range strings.Lines(p.rest) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		p.rest = p.rest[len(line):]
		p.place++
		if err := p.story.tell(line, p.place, 0); err != nil {
			return nil, err
		}
	}
	return copied, syscall.Kill(pid, syscall.SIGCONT)
}

func (p *stillScribe) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
	p.told.Close()
}
