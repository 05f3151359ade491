//go:build linux

package power

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// A start is what a power cut left, for a recording of what a process makes of it.
type start struct {
	image *image
	root  string // that the names of the image begin with
	seen  *look  // what is there
}

// write makes it the contents of a directory.
func (s *start) write(dir string) error {
	if s == nil {
		return nil
	}
	return s.image.write(s.root, dir)
}

// put puts it on the disk of a recording before all that happens there. What was seen then, and is
// not touched, is to stay.
func (s *start) put(r *replay) {
	if s == nil {
		return
	}
	for name, ino := range s.image.names {
		tail, err := filepath.Rel(s.root, name)
		if err != nil {
			continue
		}
		name := filepath.Join(r.root, tail)
		r.now[name] = ino
		r.effects = append(r.effects,
			&effect{begin: -2, end: -2, change: changeNames, names: map[string]*inode{name: ino}},
			&effect{begin: -2, end: -2, change: changeBytes, ino: ino, data: s.image.files[ino]},
			&effect{begin: -1, end: -1, change: syncFile, ino: ino},
			&effect{begin: -1, end: -1, change: syncDir, dir: filepath.Dir(name)})
	}
	for _, one := range s.seen.Seen {
		l := r.story.life(one.Life)
		l.deeds = append(l.deeds, &deed{what: "before", gen: one.Gen, n: one.N, hard: true, begun: -1, done: -1})
	}
	for name := range s.seen.Backups {
		r.story.copied[name] = true
	}
	r.story.expired = s.seen.Expired
}

// newStart cuts the power at a random place of a recording, and looks at what is left.
func (c *cutter) newStart(ctx context.Context, rec *recording) (*start, error) {
	d, dir := newDisk(rec.effects, false), filepath.Join(c.dir, "start")
	last := rec.calls[len(rec.calls)-1].begin
	d.advance(last/2 + c.Rand.IntN(last/2))
	s := &start{image: d.cut(newFate(c.Rand, d.pending)), root: rec.root}
	if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700), s.write(dir)); err != nil {
		return nil, err
	}
	var err error
	s.seen, err = c.look(ctx, dir)
	return s, err
}
