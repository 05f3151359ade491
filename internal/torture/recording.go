//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

	grace       float64 // how old, in seconds, what was acknowledged and is not stored may be
	ignoreSyncs bool    // the disk does nothing for them
}

// record runs a role under strace. The role is given an empty directory, the name of a chronicle,
// and more. The directory is made in dir: one in memory is as good as a disk, whose syncs count by
// being asked for.
func (t *trial) record(ctx context.Context, dir, name, role string, more ...string) (*recording, error) {
	root, story, trace := filepath.Join(dir, name), filepath.Join(t.dir, name+".chronicle"), filepath.Join(t.dir, name+".trace")
	if err := os.Mkdir(root, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	cmd, err := player(ctx, role, append([]string{root, story}, more...)...)
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
	rec, err := newRecording(f, root, story)
	rec.name = name
	return rec, err
}

// newRecording reads a trace.
func newRecording(trace io.Reader, root, story string) (*recording, error) {
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
	return rec, r.run()
}

// mayTrace returns why nothing can be traced here.
func (t *trial) mayTrace(ctx context.Context) error {
	if err := t.needs(ctx, "strace"); err != nil {
		return err
	}
	if out, err := stracer(ctx, os.DevNull, "openat", exec.CommandContext(ctx, "true")).CombinedOutput(); err != nil {
		return cannot("strace: %v: %s", err, out)
	}
	return nil
}

// copyNames returns the entries that a call changes.
func (r *replay) copyNames(changed map[string]*inode) map[string]*inode {
	ours := maps.Clone(changed)
	maps.DeleteFunc(ours, func(name string, _ *inode) bool { return !strings.HasPrefix(name, r.root+"/") })
	return ours
}
