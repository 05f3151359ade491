//go:build linux

package power

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/boltsession/session/internal/torture/trial"
)

// recordedCalls are the system calls that a recording needs: all that can change files, those that
// say which file a descriptor is of, and those that it does not understand, to notice them.
const recordedCalls = "openat,?creat,?open,close,write,pwrite64,writev,pwritev,?pwritev2,lseek,ftruncate,truncate,fallocate," +
	"fsync,fdatasync,sync_file_range,?rename,renameat,?renameat2,?link,linkat,?unlink,unlinkat,?rmdir,?mkdir,mkdirat," +
	"bind,?chmod,fchmodat,mmap,dup,?dup2,dup3,copy_file_range,sendfile,splice"

// A recording is what a process did to the files in one directory, and what it told meanwhile in
// another file, its chronicle.
type recording struct {
	name    string
	root    string
	effects []*effect
	calls   []*tracedCall
	story   *chronicle
	marks   []int // places where something changed, or was synced
	turns   []int // of these, where names did

	grace       float64 // how old, in seconds, what was acknowledged and is not stored may be
	ignoreSyncs bool    // the disk does nothing for them
}

// record runs a role under strace. The role is given a directory, the name of a chronicle, and more.
// The directory is made in dir, empty unless a start says what is on it: one in memory is as good as
// a disk, whose syncs count by being asked for.
func record(ctx context.Context, t *trial.Trial, dir, name string, start *start, role string, more ...string) (*recording, error) {
	root, story, trace := filepath.Join(dir, name), filepath.Join(t.Dir, name+".chronicle"), filepath.Join(t.Dir, name+".trace")
	if err := os.Mkdir(root, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	if err := start.write(root); err != nil {
		return nil, err
	}
	cmd, err := trial.Player(ctx, role, append([]string{root, story}, more...)...)
	if err != nil {
		return nil, err
	}
	if out, err := stracer(ctx, trace, recordedCalls, cmd).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("record %s: %w: %s", role, err, out)
	}
	f, err := os.Open(trace)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rec, err := newRecording(f, root, story, start)
	if err != nil {
		return nil, err
	}
	rec.name = name
	return rec, rec.check()
}

// check compares the disk with all of the recording on it with what the role left.
func (r *recording) check() error {
	d := newDisk(r.effects, false)
	d.advance(never)
	img := d.cut(&fate{kind: allButOne, chosen: -1})
	err := filepath.WalkDir(r.root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == r.root {
			return err
		}
		ino := img.names[name]
		delete(img.names, name)
		if ino == nil || ino.mode.Type() != e.Type() {
			return fmt.Errorf("%s is not what was recorded", name)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		data, err := os.ReadFile(name)
		if err == nil && !bytes.Equal(data, img.files[ino]) {
			err = fmt.Errorf("%s does not hold what was recorded", name)
		}
		return err
	})
	for name := range img.names {
		err = errors.Join(err, fmt.Errorf("%s was recorded and is not there", name))
	}
	if err != nil {
		return fmt.Errorf("replay %s: %w", r.name, err)
	}
	return nil
}

// newRecording reads a trace.
func newRecording(trace io.Reader, root, story string, start *start) (*recording, error) {
	rec := &recording{root: root, story: newChronicle()}
	calls, err := parseTrace(trace)
	if err != nil {
		return rec, err
	}
	rec.calls = calls
	r := &replay{
		recording: rec,
		path:      story,
		open:      make(map[int64]*descriptor),
		now:       map[string]*inode{root: {mode: fs.ModeDir | 0o700}},
	}
	start.put(r)
	return rec, r.run()
}

// mayTrace returns why nothing can be traced here.
func mayTrace(ctx context.Context, t *trial.Trial) error {
	if err := t.Needs(ctx, "strace"); err != nil {
		return err
	}
	if out, err := stracer(ctx, os.DevNull, "openat", exec.CommandContext(ctx, "true")).CombinedOutput(); err != nil {
		return trial.Cannot("strace: %v: %s", err, out)
	}
	return nil
}
