//go:build linux

package damage

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// newHolder starts a process that has the store at path open.
func (p *pathTrial) newHolder(ctx context.Context, path string) (*helper, error) {
	h := &helper{role: "holder", patience: surveyPatience}
	o, err := tell(ctx, h, "open", path)
	if err == nil && o.Kind != "" {
		err = fmt.Errorf("open %s: %s", path, o.Says)
	}
	return h, err
}

// tell has a holder do something.
func tell(ctx context.Context, h *helper, do, path string) (o opening, err error) {
	if err = h.ask(ctx, openRequest{do, path, time.Minute}, &o); err != nil {
		err = fmt.Errorf("%s: %w: %s", do, err, h.lastWords())
	}
	return o, err
}

// must has a holder do something that has to work.
func (p *pathTrial) must(ctx context.Context, h *helper, what string, dos ...string) error {
	for _, do := range dos {
		o, err := tell(ctx, h, do, "")
		if err != nil {
			return err
		}
		if o.Kind != "" {
			p.fail("%s: %s: %s", what, do, o.Says)
		}
	}
	return nil
}

// lockGrace is how much longer than its timeout an Open may take that finds the file locked.
const lockGrace = 100 * time.Millisecond

// locked opens a store that another process has.
func (p *pathTrial) locked(ctx context.Context) error {
	path := filepath.Join(p.t.Dir, "locked.db")
	h, err := p.newHolder(ctx, path)
	if err != nil {
		return err
	}
	defer h.stop()
	named, over := 0, []time.Duration{}
	for i := range p.t.Size(30, 9) {
		timeout := []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond}[i%3]
		var o opening
		if err := p.opener(0).ask(ctx, openRequest{"open", path, timeout}, &o); err != nil {
			return err
		}
		if o.Kind != "locked" || o.Took < timeout {
			p.fail("locked: error %q (%s) after %v, want ErrLocked after %v", o.Kind, o.Says, o.Took, timeout)
		}
		named += one(strings.Contains(o.Says, fmt.Sprintf("pid %d ", h.cmd.Process.Pid)))
		over = append(over, o.Took-timeout)
	}
	slices.Sort(over)
	median := over[len(over)/2]
	p.t.Figure("locked: %d tries, the holder named in %d; later than the timeout by %v (median), %v at most",
		len(over), named, median.Round(time.Millisecond), over[len(over)-1].Round(time.Millisecond))
	if median > lockGrace {
		p.fail("locked: an Open takes %v longer than its timeout", median)
	}
	return p.must(ctx, h, "locked", "save", "close")
}

// hardLink opens a store under its second name, while it is open under the first and afterwards.
func (p *pathTrial) hardLink(ctx context.Context) error {
	path := filepath.Join(p.t.Dir, "linked.db")
	h, err := p.newHolder(ctx, path)
	if err != nil {
		return err
	}
	defer h.stop()
	second := path + ".second"
	if err := os.Link(path, second); err != nil {
		return err
	}
	for _, want := range []string{"locked", ""} {
		var o opening
		if err := p.opener(0).ask(ctx, openRequest{"open", second, openTimeout}, &o); err != nil {
			return err
		}
		if o.Kind != want {
			p.fail("hard link: error %q (%s), want %q", o.Kind, o.Says, want)
		}
		if want == "locked" {
			if err := p.must(ctx, h, "hard link", "save", "close"); err != nil {
				return err
			}
		}
	}
	p.t.Figure("hard link: locked under either name")
	return nil
}

// replaced takes the file away from a running store, or puts another one in its place.
func (p *pathTrial) replaced(ctx context.Context) error {
	for _, how := range []struct {
		name string
		do   func(path string) error
	}{
		{"moved", func(path string) error { return os.Rename(path, path+".moved") }},
		{"unlinked", os.Remove},
		{"replaced by a text", func(path string) error {
			return os.Rename(p.place("text", bytes.Repeat([]byte("buy milk\n"), 2000)), path)
		}},
		{"replaced by its copy", func(path string) error {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.Rename(p.place("copy", content), path)
		}},
	} {
		if err := p.replace(ctx, how.name, how.do); err != nil {
			return err
		}
	}
	p.t.Figure("moved, unlinked, replaced while open: noticed by the reaper, no backup, no compaction, what is there now untouched")
	return nil
}

// place writes a file beside.
func (p *pathTrial) place(name string, content []byte) string {
	path := filepath.Join(p.t.Dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		p.fail("%v", err)
	}
	return path
}

func (p *pathTrial) replace(ctx context.Context, name string, do func(path string) error) error {
	dir := filepath.Join(p.t.Dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "sessions.db")
	h, err := p.newHolder(ctx, path)
	if err != nil {
		return err
	}
	defer h.stop()
	if err := p.must(ctx, h, name, "save", "reap", "compact", "save"); err != nil {
		return err
	}
	if err := do(path); err != nil {
		return err
	}
	before, err := look(path)
	if err != nil {
		return err
	}
	if o, err := tell(ctx, h, "reap", ""); err != nil {
		return err
	} else if o.Kind != "" || !strings.Contains(o.Log, "level=ERROR") || !strings.Contains(o.Log, path) {
		p.fail("%s: the reaper says %q and logs %q", name, o.Says, o.Log)
	}
	for _, do := range []string{"backup", "compact"} {
		if o, err := tell(ctx, h, do, path+".backup"); err != nil {
			return err
		} else if o.Kind != "replaced" {
			p.fail("%s: %s gives %q (%s)", name, do, o.Kind, o.Says)
		}
	}
	if err := p.must(ctx, h, name, "save", "close"); err != nil {
		return err
	}
	after, err := look(path)
	if err == nil && after != before {
		p.fail("%s: what is at the path was %s, and is %s", name, before, after)
	}
	return err
}

// starters start several programs at once over a damaged file, which one of them moves aside.
func (p *pathTrial) starters(ctx context.Context) error {
	const programs = 4
	rounds := p.t.Size(100, 5)
	for round := range rounds {
		dir := filepath.Join(p.t.Dir, fmt.Sprint("starters ", round))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		path := filepath.Join(dir, "sessions.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil { // as a power cut may leave one
			return err
		}
		var all sync.WaitGroup
		for range programs {
			all.Go(func() {
				h := &helper{role: "holder", patience: surveyPatience}
				defer h.stop()
				for _, do := range []string{"move aside", "save", "close"} {
					if o, err := tell(ctx, h, do, path); err != nil || o.Kind != "" {
						p.t.Fail("starters: %s: %v %s", do, err, o.Says)
					}
				}
			})
		}
		all.Wait()
		aside, err := filepath.Glob(path + ".corrupt-*")
		if n := sessionsIn(ctx, path); err != nil || len(aside) != 1 || n != programs {
			p.fail("starters: %d files were moved aside, and %d of %d saves are there", len(aside), n, programs)
		}
		os.RemoveAll(dir)
	}
	p.t.Figure("starters: %d times %d programs at once over a spoilt file, which one of them moved aside: every save is in the new store", rounds, programs)
	return nil
}

// sessionsIn returns how many sessions a closed store has; -1 if it cannot tell.
func sessionsIn(ctx context.Context, path string) int {
	report, err := session.Check(ctx, path)
	if err != nil {
		return -1
	}
	return report.Sessions
}
