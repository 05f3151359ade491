//go:build linux

package damage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

var paths = trial.Technique{
	Name:   "paths",
	What:   "what is at the path is no store, not for us, in use, or taken away",
	Proves: "11",
	Breaks: "a plain bolt.Open opens them",
	Run:    tryPaths,
}

func tryPaths(ctx context.Context, t *trial.Trial) error {
	p := &pathTrial{t: t, openers: map[int]*helper{}}
	defer p.stop()
	if err := p.things(ctx); err != nil || t.Broken {
		return err
	}
	for _, step := range []func(context.Context) error{p.locked, p.hardLink, p.replaced, p.starters} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	t.Figure("not tried: network file systems, of which there is none here; they are refused by their number")
	return nil
}

// pathTrial is one run of the technique.
type pathTrial struct {
	t       *trial.Trial
	openers map[int]*helper // by user
	tried   int
	broken  int
}

// opener returns the process that opens things as a user; 0 is whoever this is.
func (p *pathTrial) opener(uid int) *helper {
	h := p.openers[uid]
	if h == nil {
		h = &helper{role: "opener", patience: surveyPatience}
		if uid != 0 {
			h.args = []string{fmt.Sprint(uid)}
		}
		p.openers[uid] = h
	}
	return h
}

func (p *pathTrial) stop() {
	for _, h := range p.openers {
		h.stop()
	}
}

// fail reports a broken promise.
func (p *pathTrial) fail(format string, args ...any) {
	p.broken++
	p.t.Fail(format, args...)
}

// openTimeout is how long a store waits for its lock here.
const openTimeout = 200 * time.Millisecond

// things has every thing opened in every way.
func (p *pathTrial) things(ctx context.Context) error {
	var skipped []string
	for i, th := range things {
		dir := filepath.Join(p.t.Dir, fmt.Sprint("thing ", i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
		path, undo, err := th.make(dir)
		if errors.Is(err, errNotHere) {
			skipped = append(skipped, th.name)
			continue
		}
		if err != nil {
			return fmt.Errorf("make %s: %w", th.name, err)
		}
		err = p.thing(ctx, th, path)
		if undo != nil {
			undo()
		}
		if err != nil {
			return err
		}
	}
	p.t.Figure("%d things at the path, opened in %d ways: %d promises broken", len(things)-len(skipped), p.tried, p.broken)
	if len(skipped) > 0 {
		p.t.Figure("cannot be made here: %s", strings.Join(skipped, ", "))
	}
	return nil
}

// thing has one thing opened, and looks whether it is as it was.
func (p *pathTrial) thing(ctx context.Context, th thing, path string) error {
	ways := []string{"open", "read only", "move aside", "check", "recover"}
	if p.t.Broken {
		ways = []string{"naively"}
	}
	for _, way := range ways {
		want, told := th.wants[way]
		if !told {
			want = th.want
		}
		if want == "-" {
			continue
		}
		p.tried++
		before, err := look(path)
		if err != nil {
			return err
		}
		var o opening
		err = p.opener(th.uid).ask(ctx, openRequest{way, path, openTimeout}, &o)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			p.fail("%s, %s: %v: %s", th.name, way, err, p.opener(th.uid).lastWords())
			continue
		case !slices.Contains(strings.Split(want, "|"), o.Kind):
			p.fail("%s, %s: error %q (%s), want %q", th.name, way, o.Kind, o.Says, want)
		}
		after, err := look(path)
		if err != nil {
			return err
		}
		if after != before && o.Kind != "" || p.t.Broken && after != before {
			p.fail("%s, %s: it was %s, and is %s", th.name, way, before, after)
		}
	}
	return nil
}

// look describes a thing and what lies beside it.
func look(path string) (string, error) {
	var b bytes.Buffer
	for _, name := range []string{filepath.Dir(path), path} {
		info, err := os.Lstat(name)
		if err != nil {
			fmt.Fprintf(&b, "%s: none; ", filepath.Base(name))
			continue
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s: inode %d, %v, %d links, user %d, %d bytes, of %d; ",
			filepath.Base(name), st.Ino, info.Mode(), st.Nlink, st.Uid, info.Size(), modified(info, name == path))
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%d bytes with the checksum %x; ", len(content), sumOf(content))
	}
	names, err := os.ReadDir(filepath.Dir(path))
	if err == nil {
		fmt.Fprintf(&b, "beside it %v", names)
	}
	return b.String(), nil
}

// modified returns when a file was modified. A directory is when a store looks for a place in it.
func modified(info os.FileInfo, isFile bool) int64 {
	if !isFile {
		return 0
	}
	return info.ModTime().UnixNano()
}
