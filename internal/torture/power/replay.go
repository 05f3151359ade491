//go:build linux

package power

import (
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// replay goes through the calls of a trace as they happened, to know which file each of them is
// about.
type replay struct {
	*recording
	path string // of the chronicle
	open map[int64]*descriptor
	now  map[string]*inode // the names as the process sees them
}

// descriptor is an open file of interest.
type descriptor struct {
	path string
	ino  *inode // nil: it is the chronicle
	off  int64
}

// run has each call act twice: when it begins, on what its descriptor is then, and when it has
// ended, on what it gave or changed. A descriptor is free as soon as its close begins, and is
// there when the open has ended.
func (r *replay) run() error {
	type moment struct {
		place int
		ended bool
		call  *tracedCall
	}
	var all []moment
	for _, c := range r.calls {
		if !c.failed {
			all = append(all, moment{c.begin, false, c}, moment{c.end, true, c})
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.place - b.place })
	for _, m := range all {
		act := r.begins
		if m.ended {
			act = r.ended
		}
		if err := act(m.call); err != nil {
			return fmt.Errorf("trace, line %d: %s: %w", m.call.begin, m.call.name, err)
		}
	}
	return nil
}

// begins is for calls on descriptors.
func (r *replay) begins(c *tracedCall) error {
	switch c.name {
	case "mmap":
		if fd, err := c.number(4); err != nil || r.open[fd] == nil || !c.has(2, "PROT_WRITE") || !c.has(3, "MAP_SHARED") {
			return nil
		}
		return fmt.Errorf("writes through a mapping cannot be replayed")
	case "openat", "renameat", "renameat2", "linkat", "unlinkat", "mkdirat", "bind", "fchmodat",
		"rename", "link", "unlink", "rmdir", "mkdir", "chmod", "open", "creat":
		return nil
	}
	fd, d, err := r.target(c)
	if err != nil || d == nil {
		return err
	}
	switch c.name {
	case "close":
		delete(r.open, fd)
	case "lseek":
		d.off = c.ret
	case "write", "pwrite64":
		return r.writes(c, d)
	case "ftruncate":
		size, err := c.number(1)
		r.add(c, effect{change: changeSize, ino: d.ino, size: size})
		return err
	case "fallocate":
		return r.allocates(c, d)
	case "fsync", "fdatasync":
		if d.ino != nil && d.ino.mode.IsDir() {
			r.add(c, effect{change: syncDir, dir: d.path})
		} else {
			r.add(c, effect{change: syncFile, ino: d.ino})
		}
	default:
		return fmt.Errorf("it cannot be replayed, on %s", d.path)
	}
	return nil
}

// target returns the descriptor that a call is about, nil if it is of no interest.
func (r *replay) target(c *tracedCall) (int64, *descriptor, error) {
	i := 0
	if c.name == "copy_file_range" || c.name == "splice" {
		i = 2 // where it writes
	}
	fd, err := c.number(i)
	return fd, r.open[fd], err
}

// allocates is for bytes that are taken up, and are zeros.
func (r *replay) allocates(c *tracedCall, d *descriptor) error {
	off, err := c.number(2)
	if err != nil {
		return err
	}
	length, err := c.number(3)
	if mode, problem := c.number(1); problem != nil || mode != 0 || d.ino == nil {
		return fmt.Errorf("it cannot be replayed, on %s", d.path)
	}
	r.add(c, effect{change: changeSize, ino: d.ino, size: off + length, atLeast: true})
	return err
}

// writes is for bytes. A call that did not return may have written all of them.
func (r *replay) writes(c *tracedCall, d *descriptor) error {
	data, err := c.bytes(1)
	if err != nil {
		return err
	}
	if c.end != never {
		data = data[:c.ret]
	}
	if d.ino == nil {
		return r.story.tell(string(data), c.begin, c.at)
	}
	off := d.off
	if c.name == "pwrite64" {
		if off, err = c.number(3); err != nil {
			return err
		}
	} else {
		d.off += int64(len(data))
	}
	r.add(c, effect{change: changeBytes, ino: d.ino, off: off, data: data})
	return nil
}

func (r *replay) add(c *tracedCall, e effect) {
	e.begin, e.end = c.begin, c.end
	r.effects = append(r.effects, &e)
	r.marks = append(r.marks, c.begin)
	if c.end != never {
		r.marks = append(r.marks, c.end)
	}
	if e.change == changeNames || e.change == syncDir {
		r.turns = append(r.turns, c.begin)
	}
}

// ended is for calls on names.
func (r *replay) ended(c *tracedCall) error {
	switch c.name {
	case "openat":
		return r.opened(c)
	case "bind":
		return r.bound(c)
	case "mkdirat", "unlinkat", "fchmodat":
		name, err := r.name(c, 0)
		if err != nil {
			return err
		}
		switch {
		case c.name == "mkdirat":
			r.rename(c, map[string]*inode{name: {mode: fs.ModeDir | 0o700}})
		case c.name == "unlinkat":
			r.rename(c, map[string]*inode{name: nil})
		}
		return nil // a mode harms nobody
	case "renameat", "renameat2", "linkat":
		from, err := r.name(c, 0)
		if err != nil {
			return err
		}
		to, err := r.name(c, 2)
		if err != nil {
			return err
		}
		changed := map[string]*inode{to: r.now[from]}
		if c.name != "linkat" {
			changed[from] = nil
		}
		r.rename(c, changed)
		return nil
	case "rename", "link", "unlink", "rmdir", "mkdir", "chmod", "open", "creat", "truncate":
		if slices.ContainsFunc(c.args, func(a string) bool { return strings.Contains(a, r.root) }) {
			return fmt.Errorf("it cannot be replayed")
		}
	}
	return nil
}

// rename changes names.
func (r *replay) rename(c *tracedCall, changed map[string]*inode) {
	ours := r.ours(changed)
	if len(ours) == 0 {
		return
	}
	for name, ino := range ours {
		setName(r.now, name, ino)
	}
	r.add(c, effect{change: changeNames, names: ours})
}

// ours returns those of the changed entries that are in the directory.
func (r *replay) ours(changed map[string]*inode) map[string]*inode {
	in := maps.Clone(changed)
	maps.DeleteFunc(in, func(name string, _ *inode) bool { return !strings.HasPrefix(name, r.root+"/") })
	return in
}

// opened notes a descriptor, and a file that is new.
func (r *replay) opened(c *tracedCall) error {
	name, err := r.name(c, 0)
	switch {
	case err != nil:
		return err
	case name == r.path:
		r.open[c.ret] = &descriptor{path: name}
		return nil
	case name != r.root && !strings.HasPrefix(name, r.root+"/"):
		delete(r.open, c.ret)
		return nil
	case c.has(2, "O_TRUNC") || c.has(2, "O_APPEND"):
		return fmt.Errorf("%s: its flags cannot be replayed", c.args[2])
	}
	if r.now[name] == nil && c.has(2, "O_CREAT") {
		r.rename(c, map[string]*inode{name: {mode: 0o600}})
	}
	if c.end == never {
		return nil
	}
	r.open[c.ret] = &descriptor{path: name, ino: r.now[name]}
	return nil
}

// bound notes a socket that has a name.
func (r *replay) bound(c *tracedCall) error {
	if len(c.args) < 2 {
		return fmt.Errorf("no address")
	}
	_, path, ok := strings.Cut(c.args[1], `sun_path="`)
	path, _, _ = strings.Cut(path, `"`)
	if ok {
		r.rename(c, map[string]*inode{path: {mode: fs.ModeSocket | 0o600}})
	}
	return nil
}

// name returns the absolute name that the arguments i and i+1 are, a directory and a path.
func (r *replay) name(c *tracedCall, i int) (string, error) {
	name, err := c.bytes(i + 1)
	switch {
	case err != nil:
		return "", err
	case filepath.IsAbs(string(name)):
		return filepath.Clean(string(name)), nil
	}
	if fd, err := c.number(i); err == nil && r.open[fd] != nil {
		return filepath.Join(r.open[fd].path, string(name)), nil
	}
	return string(name), nil // of no interest: ours are absolute
}
