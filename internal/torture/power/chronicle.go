//go:build linux

package power

import (
	"fmt"
	"os"
	"strings"
)

// A chronicle is what a writer tells of its work: each thing before it begins, and again when it is
// done. A told line is one write to a file, so that it has its place among the system calls.
type chronicle struct {
	lives   map[string]*life
	backups map[string]*deed // by name
	reaps   []*deed
	copied  map[string]bool // backups that were there before
	expired int             // sessions that were, too
	closed  int             // place where everything accepted was stored; never if it did not come to that
	ticks   []float64
}

// A life is what happened to one of the writer's sessions, and to those that came in its place: one
// deed after the other.
type life struct {
	name  string
	deeds []*deed
}

// A deed is one operation on a session.
type deed struct {
	what   string
	gen    int  // of the session that is alive after it; 0 for none
	n      int  // the number that it has stored
	hard   bool // is on disk when it is done
	begun  int  // its place
	done   int  // where it was acknowledged; never if it was not
	doneAt float64
}

func newChronicle() *chronicle {
	return &chronicle{lives: make(map[string]*life), backups: make(map[string]*deed), copied: make(map[string]bool), closed: never}
}

// A teller writes a chronicle.
type teller struct{ file *os.File }

func (t teller) tell(format string, args ...any) error {
	_, err := fmt.Fprintf(t.file, format+"\n", args...) // one write
	return err
}

// do tells a deed around the function that does it.
func (t teller) do(name string, d deed, do func() error) error {
	if err := t.tell("do %s %s %d %d %t", name, d.what, d.gen, d.n, d.hard); err != nil {
		return err
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s %s: %w", d.what, name, err)
	}
	return t.tell("did %s %s", name, d.what)
}

// tell reads what was told.
func (c *chronicle) tell(text string, place int, at float64) error {
	for line := range strings.Lines(text) {
		if err := c.line(strings.TrimSuffix(line, "\n"), place, at); err != nil {
			return fmt.Errorf("chronicle: %q: %w", line, err)
		}
	}
	return nil
}

func (c *chronicle) line(s string, place int, at float64) error {
	var name string
	d := &deed{begun: place, done: never}
	word, s, _ := strings.Cut(s, " ")
	switch word {
	case "tick":
		c.ticks = append(c.ticks, at)
	case "closed":
		c.closed = place
	case "do":
		if _, err := fmt.Sscan(s, &name, &d.what, &d.gen, &d.n, &d.hard); err != nil {
			return err
		}
		c.begin(name, d)
	case "did":
		if _, err := fmt.Sscan(s, &name, &d.what); err != nil {
			return err
		}
		last := c.last(name, d.what)
		if last == nil || last.what != d.what || last.done != never {
			return fmt.Errorf("it was not begun")
		}
		last.done, last.doneAt = place, at
	default:
		return fmt.Errorf("unknown")
	}
	return nil
}

func (c *chronicle) begin(name string, d *deed) {
	switch d.what {
	case "backup":
		c.backups[name] = d
	case "reap":
		c.reaps = append(c.reaps, d)
	case "compact":
	default:
		c.life(name).deeds = append(c.life(name).deeds, d)
	}
}

// last returns what was begun last of a kind.
func (c *chronicle) last(name, what string) *deed {
	switch what {
	case "backup":
		return c.backups[name]
	case "reap":
		if len(c.reaps) > 0 {
			return c.reaps[len(c.reaps)-1]
		}
		return nil
	case "compact":
		return &deed{what: what, done: never} // nothing depends on it
	}
	if l := c.life(name); len(l.deeds) > 0 {
		return l.deeds[len(l.deeds)-1]
	}
	return nil
}

func (c *chronicle) life(name string) *life {
	l := c.lives[name]
	if l == nil {
		l = &life{name: name}
		c.lives[name] = l
	}
	return l
}

// A moment is where the power fails, and which saves may be lost because they were accepted and
// not stored: those that are not older than grace, in seconds.
type moment struct {
	place int
	at    float64
	grace float64
}

// bounds returns after how many deeds of a life the disk may be: at least lo, at most hi.
func (l *life) bounds(m moment, closed int) (lo, hi int) {
	for i, d := range l.deeds {
		if d.begun >= m.place {
			break
		}
		hi = i + 1
		if d.done < m.place && (d.hard || closed < m.place || d.doneAt < m.at-m.grace) {
			lo = i + 1
		}
	}
	return lo, hi
}

// after returns the session that is alive after so many deeds.
func (l *life) after(deeds int) sighting {
	if deeds == 0 || l.deeds[deeds-1].gen == 0 {
		return sighting{}
	}
	return sighting{Life: l.name, Gen: l.deeds[deeds-1].gen, N: l.deeds[deeds-1].n}
}

// A sighting is a session that was found alive.
type sighting struct {
	Life string
	Gen  int
	N    int
}

// A verdict is what was found wrong with a life.
type verdict string

const (
	sound   verdict = ""
	lost    verdict = "lost"    // what was acknowledged is not there
	revived verdict = "revived" // what had ended is there
	strange verdict = "strange" // what never was is there
)

// judge says whether the sightings of a life fit the bounds, and after how many deeds it was found.
func (l *life) judge(seen []sighting, lo, hi int) (found int, v verdict) {
	if len(seen) > 1 {
		return 0, revived
	}
	one := sighting{}
	if len(seen) == 1 {
		one = seen[0]
	}
	for found = hi; found >= 0; found-- {
		if l.after(found) == one {
			break
		}
	}
	switch {
	case found >= lo:
		return found, sound
	case found < 0:
		return 0, strange
	case one.Gen != 0 && one.Gen != l.after(lo).Gen:
		return found, revived
	}
	return found, lost
}
