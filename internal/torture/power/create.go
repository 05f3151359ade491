//go:build linux

package power

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/naive"
	"github.com/boltsession/session/internal/torture/trial"
)

var create = trial.Technique{
	Name:   "create",
	What:   "the first creation of a file, killed at each of its system calls, and with the power cut",
	Proves: "3",
	Breaks: "the file is created under its own name",
	Run:    runCreate,
}

// creationCalls are the system calls at which a creation is killed: all on files and descriptors.
const creationCalls = "%file,%desc"

func runCreate(ctx context.Context, t *trial.Trial) error {
	if err := mayTrace(ctx, t); err != nil {
		return err
	}
	c, err := newCutter(t)
	if err != nil {
		return err
	}
	defer c.close()
	if t.Broken {
		return c.createBadly(ctx)
	}
	kills, err := c.killCreations(ctx, t.Size(200, 10))
	if err != nil {
		return err
	}
	cuts := t.Size(500, 40) - kills
	if err := c.cutCreations(ctx, cuts); err != nil {
		return err
	}
	c.Figure("%d kills and %d power cuts during creation: %d not opened, %d lost, %d left something behind, %d others",
		kills, cuts, c.wrong["unopened"], c.wrong["lost"], c.wrong["left"], c.wrong["strange"]+c.wrong["revived"]+c.wrong["torn"])
	return nil
}

// playFounder is a role: it creates a store, saves a session, tells that, and ends. It keeps to one
// thread, so that its calls are counted in the same way each time.
func playFounder(args []string) (err error) {
	runtime.LockOSThread()
	file, err := os.Create(args[1])
	if err != nil {
		return err
	}
	defer file.Close()
	s := &scribe{dir: args[0], teller: teller{file}}
	if len(args) > 2 && args[2] == "naive" {
		return foundNaively(filepath.Join(s.dir, storeName))
	}
	if err := s.open(); err != nil {
		return err
	}
	return errors.Join(s.newWriter(0).create(context.Background()), s.store.Close())
}

func foundNaively(path string) error {
	store, err := naive.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(saveOne(context.Background(), store), store.Close())
}

// killCreations kills creations before one call after the other, until one comes through. Where
// that would be more than enough, it leaves out some.
func (c *cutter) killCreations(ctx context.Context, most int) (kills int, err error) {
	calls, err := c.countCalls(ctx)
	if err != nil {
		return 0, err
	}
	step := max(1, (calls+most-1)/most)
	for pass := 0; kills < most && ctx.Err() == nil; pass++ {
		for call := 1 + pass%step; kills < most; call += step {
			killed, err := c.killCreation(ctx, call)
			if err != nil {
				return kills, err
			}
			if !killed {
				break
			}
			kills++
		}
	}
	c.Figure("a creation has %d system calls, each killed before %d of them", calls, min(calls, kills))
	return kills, ctx.Err()
}

// countCalls returns how many calls a creation makes.
func (c *cutter) countCalls(ctx context.Context) (int, error) {
	dir, story := filepath.Join(c.dir, "counted"), filepath.Join(c.Trial.Dir, "counted")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return 0, err
	}
	cmd, err := trial.Player(ctx, "founder", dir, story)
	if err != nil {
		return 0, err
	}
	trace := story + ".trace"
	if out, err := stracer(ctx, trace, creationCalls, cmd).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("create a store: %w: %s", err, out)
	}
	text, err := os.ReadFile(trace)
	threads := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		thread, _, _ := strings.Cut(line, " ")
		threads[thread]++
	}
	most := 0
	for _, n := range threads {
		most = max(most, n)
	}
	return most, err
}

// killCreation kills a creation when one of its threads makes its n-th call, before that does
// anything, and looks at what it leaves. It says false when no thread made so many.
func (c *cutter) killCreation(ctx context.Context, n int) (killed bool, err error) {
	dir, story := filepath.Join(c.dir, "killed"), filepath.Join(c.Trial.Dir, "killed")
	if err := errors.Join(os.RemoveAll(dir), os.RemoveAll(story), os.Mkdir(dir, 0o700)); err != nil {
		return false, err
	}
	cmd, err := trial.Player(ctx, "founder", dir, story)
	if err != nil {
		return false, err
	}
	inject := fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", creationCalls, n)
	out, err := stracer(ctx, os.DevNull, creationCalls, cmd, "-e", inject).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL && ctx.Err() == nil {
		killed = true // strace ends as the traced did
	} else if err != nil {
		return false, fmt.Errorf("create a store: %w: %s", err, out)
	}
	told, err := os.ReadFile(story)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return killed, err
	}
	j := judgement{cutter: c, story: newChronicle(), time: func(int) float64 { return 0 }, moment: moment{place: never}}
	j.what = fmt.Sprintf("killed before call %d", n)
	place := 0
	for line := range strings.Lines(string(told)) {
		place++
		if err := j.story.tell(line, place, 0); err != nil {
			return killed, err
		}
	}
	return killed, c.lookTwice(ctx, dir, j)
}

// cutCreations cuts the power at random places of some creations.
func (c *cutter) cutCreations(ctx context.Context, cuts int) error {
	const recordings = 4
	for i := range recordings {
		rec, err := record(ctx, c.Trial, c.dir, fmt.Sprint("creation", i), nil, "founder")
		if err != nil {
			return err
		}
		err = c.images(ctx, rec, (i+1)*cuts/recordings-i*cuts/recordings, func(dir string, j judgement) error {
			return c.lookTwice(ctx, dir, j)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lookTwice opens what a creation left, and once more when what it left beside the store has become
// so old that nobody can be at work on it. Then nothing may be left of it.
func (c *cutter) lookTwice(ctx context.Context, dir string, j judgement) (err error) {
	if j.look, err = c.look(ctx, dir); err != nil {
		return err
	}
	j.all()
	if j.look.Open != "" {
		return nil
	}
	if strings.Contains(j.look.Said, "socket") {
		j.found("left", "%s: what is in the way of the socket: %s", j.what, j.look.Said)
	}
	old := time.Now().Add(-time.Hour)
	for _, name := range j.look.Left {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			return err
		}
	}
	again, err := c.look(ctx, dir)
	if err != nil {
		return err
	}
	if again.Open != "" {
		j.found("unopened", "%s, a second time: %s", j.what, again.Open)
	} else if !slices.Equal(again.Left, []string{storeName}) {
		j.found("left", "%s: %q", j.what, again.Left)
	}
	return nil
}

// createBadly is the control: bbolt's own creation, which a power cut breaks.
func (c *cutter) createBadly(ctx context.Context) error {
	c.naive = true
	rec, err := record(ctx, c.Trial, c.dir, "naive", nil, "founder", "naive")
	if err != nil {
		return err
	}
	err = c.images(ctx, rec, 3000, func(dir string, j judgement) error {
		l, err := c.look(ctx, dir)
		if err == nil && l.Open != "" {
			c.Fail("unopened: %s: %s", j.what, l.Open)
		}
		return err
	})
	if err == nil {
		c.Figure("%d images", c.imaged)
	}
	return err
}
