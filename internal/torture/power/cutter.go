//go:build linux

package power

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"github.com/boltsession/session/internal/torture/trial"
)

// A cutter makes images of recordings and looks at them.
type cutter struct {
	*trial.Trial
	lookout
	dir    string
	remove func()

	recordings, calls, imaged, effects, torn int
	deeds, backups                           int
	wrong                                    map[string]int
	oldest                                   float64 // of the acknowledged saves that were lost, in seconds
	findings                                 []string
}

func newCutter(t *trial.Trial) (*cutter, error) {
	dir, remove, err := imageDir(t)
	return &cutter{Trial: t, dir: dir, remove: remove, wrong: make(map[string]int)}, err
}

func (c *cutter) close() {
	c.lookout.close()
	c.remove()
}

// found reports something wrong. What a control finds is kept, for it to judge.
func (c *cutter) found(what string, format string, args ...any) {
	c.wrong[what]++
	text := what + ": " + fmt.Sprintf(format, args...)
	if c.Broken {
		c.findings = append(c.findings, text)
	} else {
		c.Fail("%s", text)
	}
}

// report prints the figures.
func (c *cutter) report() {
	c.Figure("%d images of %d recordings with %d system calls; %d effects not synced yet, %d sectors of them gone", c.imaged, c.recordings, c.calls, c.effects, c.torn)
	c.Figure("%d acknowledged deeds on them and %d backups: %d not opened, %d lost, %d revived, %d torn, %d strange, %d others",
		c.deeds, c.backups, c.wrong["unopened"], c.wrong["lost"], c.wrong["revived"], c.wrong["torn"], c.wrong["strange"], c.wrong["other"])
	c.Figure("SyncEvery 1s: the oldest acknowledged save that was lost was %.2f s old, %.1f allowed", c.oldest, syncEveryGrace)
}

// cut looks at images of a recording, with the power cut at random places.
func (c *cutter) cut(ctx context.Context, rec *recording, images int) error {
	return c.images(ctx, rec, images, func(dir string, j judgement) error {
		l, err := c.look(ctx, dir)
		j.look = l
		if err == nil {
			j.all()
		}
		return err
	})
}

// images makes images of a recording at random places and has each judged.
func (c *cutter) images(ctx context.Context, rec *recording, images int, judge func(dir string, j judgement) error) error {
	places := make([]int, images)
	for i := range places {
		places[i] = c.place(rec, i)
	}
	slices.Sort(places)
	d, dir := newDisk(rec.effects, rec.ignoreSyncs), filepath.Join(c.dir, "image")
	for _, place := range places {
		d.advance(place)
		f := newFate(c.Rand, d.pending)
		if err := errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700), d.cut(f).write(rec.root, dir)); err != nil {
			return err
		}
		c.imaged++
		c.effects += len(d.pending)
		c.torn += f.torn
		j := judgement{cutter: c, story: rec.story, time: rec.time, moment: moment{place, rec.time(place), rec.grace}}
		j.what = fmt.Sprintf("%s, cut at %d, %v", rec.name, place, f)
		if err := judge(dir, j); err != nil {
			return err
		}
	}
	return nil
}

// place returns a random place: anywhere, next to something that changes the disk, and where a file
// has just got its name or taken another one's.
func (c *cutter) place(rec *recording, i int) int {
	switch i % 3 {
	case 0:
		return rec.marks[c.Rand.IntN(len(rec.marks))] + c.Rand.IntN(2)
	case 1:
		return max(1, rec.turns[c.Rand.IntN(len(rec.turns))]+c.Rand.IntN(16))
	}
	return 1 + c.Rand.IntN(rec.calls[len(rec.calls)-1].begin)
}

// time returns when a place in the trace was, or somewhat before.
func (r *recording) time(place int) float64 {
	i := sort.Search(len(r.calls), func(i int) bool { return r.calls[i].begin >= place })
	return r.calls[max(0, i-1)].at
}
