//go:build linux

package kill

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// copyist kills the process that makes a copy of its store while a crowd uses it.
type copyist struct {
	killer
	copies string // the directory of backups
	takes  map[string]time.Duration
	counts struct{ cut, whole, absent, swept, piled int }
}

func copying(ctx context.Context, t *trial.Trial) (err error) {
	c := &copyist{
		killer: killer{Trial: t, kills: map[string]int{}, found: map[string]int{}},
		copies: filepath.Join(t.Dir, "copies"),
		takes:  map[string]time.Duration{},
	}
	c.path = filepath.Join(t.Dir, "sessions.db")
	if err := os.Mkdir(c.copies, 0o700); err != nil {
		return err
	}
	if c.ledger, err = openLedger(c.book("ledger")); err != nil {
		return err
	}
	defer c.ledger.close()
	ballast := c.Size(30_000, 5_000)
	if c.Broken {
		ballast = 15_000 // io.Copy is quick
	}
	if err := fill(ctx, c.path, c.ledger, ballast); err != nil {
		return fmt.Errorf("fill store: %w", err)
	}
	for i := 0; i < c.Size(200, 15) && len(c.found) == 0; i++ {
		if err := c.round(ctx, i); err != nil {
			return fmt.Errorf("kill %d: %w", i, err)
		}
	}
	saves, _, _ := c.ledger.total()
	c.Figure("%d backups and %d compactions killed, %d of them before they were done, under %s acknowledged saves",
		c.kills["backup"]+c.kills["naive"], c.kills["compact"], c.counts.cut, thousands(saves))
	c.Figure("%d targets absent, %d whole; %d lost, %d torn, %d back from the dead, %d failed; %d temporary files swept, %d piled up",
		c.counts.absent, c.counts.whole, c.found["lost"], c.found["torn"], c.found["revived"], c.found["failed"],
		c.counts.swept, c.counts.piled)
	return ctx.Err()
}

// book is the path of a ledger.
func (c *copyist) book(name string) string { return filepath.Join(c.Dir, name) }

// round kills a process in the middle of a copy, and looks at what it left.
func (c *copyist) round(ctx context.Context, i int) error {
	what, target := "backup", c.target(i)
	args := []string{"-before", c.book("before"), "-backup", target}
	switch {
	case c.Broken:
		what, args = "naive", append(args, "-naive", target)
	case i%2 == 1:
		what, args = "compact", append(args, "-compact")
	}
	v, err := start(ctx, c.find, "app", append(args, c.path, c.book("ledger"))...)
	if err != nil {
		return err
	}
	if err := c.cut(v, what); err != nil {
		return err
	}
	c.kills[what]++
	if err := c.check(ctx); err != nil {
		return err
	}
	if what != "compact" {
		if err := c.inspect(ctx, target); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := c.again(ctx, i); err != nil {
		return fmt.Errorf("after a killed %s: %w", what, err)
	}
	return nil
}

// same says whether a round's backup has the same name each time and lies beside the store. The
// others have a name of their own, in a directory of backups.
func same(i int) bool { return i%4 == 0 }

func (c *copyist) target(i int) string {
	if same(i) {
		return filepath.Join(c.Dir, "sessions.bak")
	}
	return filepath.Join(c.copies, "sessions-"+strconv.Itoa(i)+".db")
}

// cut kills a process while it copies. How long that takes is learned: the moments are chosen so that
// about a quarter of the copies is done by then, and the others are anywhere.
func (c *copyist) cut(v *victim, what string) error {
	if _, err := v.until("copying"); err != nil {
		return err
	}
	if c.takes[what] == 0 {
		c.takes[what] = 50 * time.Millisecond
	}
	time.Sleep(time.Duration(c.Rand.Float64() * float64(c.takes[what])))
	said, err := v.kill()
	if err != nil {
		return err
	}
	for _, line := range said {
		if words, ok := strings.CutPrefix(line, "copied "); ok {
			took, err := time.ParseDuration(words)
			c.takes[what] = (c.takes[what] + took*5/4) / 2
			return err
		}
	}
	c.takes[what] = c.takes[what] * 106 / 100
	c.counts.cut++
	return nil
}

// inspect looks at the target of a backup that was killed: there is nothing, or a whole one.
func (c *copyist) inspect(ctx context.Context, target string) error {
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		c.counts.absent++
		return nil
	}
	if err := c.sound(ctx, target); err != nil {
		return err
	}
	c.counts.whole++
	return os.Remove(target)
}

// sound checks a backup, and that it has what was acknowledged before it began.
func (c *copyist) sound(ctx context.Context, target string) error {
	if _, err := session.Check(ctx, target); err != nil {
		c.find("torn", "check of %s: %v", filepath.Base(target), err)
		return nil
	}
	before, err := openLedger(c.book("before"))
	if err != nil {
		return err
	}
	defer before.close()
	store, err := session.Open(target, &session.BoltOptions{ReadOnly: true, NoSocket: true})
	if err != nil {
		c.find("failed", "open of %s: %v", filepath.Base(target), err)
		return nil
	}
	defer store.Close()
	return auditCopy(ctx, store, before, c.ledger, c.find)
}

// again audits the original, and makes backups and a compaction that nobody kills. The first backup
// leaves no temporary file of those who were killed, once these are older than a moment.
func (c *copyist) again(ctx context.Context, i int) error {
	left, err := c.leftovers()
	if err != nil {
		return err
	}
	if err := age(left); err != nil {
		return err
	}
	store, err := session.Open(c.path, &session.BoltOptions{Reap: session.Never})
	if err != nil {
		return err
	}
	defer store.Close()
	if err := audit(ctx, store, c.ledger, c.find); err != nil {
		return err
	}
	if err := c.ledger.copyTo(c.book("before")); err != nil {
		return err
	}
	for _, next := range c.nexts(i) {
		if err := store.Backup(ctx, next); err != nil {
			c.find("failed", "backup to %s: %v", filepath.Base(next), err)
		} else if err := errors.Join(c.sound(ctx, next), os.Remove(next)); err != nil {
			return err
		}
		if err := c.swept(left); err != nil {
			return err
		}
		left = nil
	}
	if err := store.Compact(ctx); err != nil {
		c.find("failed", "compact: %v", err)
	}
	return errors.Join(store.Close(), c.check(ctx))
}

// nexts are the backups that follow one that was killed. Where each has a name of its own, the next
// one has another.
func (c *copyist) nexts(i int) []string {
	if same(i) {
		return []string{c.target(i), c.target(i + 1)}
	}
	return []string{c.target(i) + ".next", c.target(i)}
}

// leftovers are the temporary files of backups and compactions.
func (c *copyist) leftovers() ([]string, error) {
	beside, err := leftovers(c.Dir)
	if err != nil {
		return nil, err
	}
	among, err := leftovers(c.copies)
	return append(beside, among...), err
}

// swept looks whether the temporary files of those who were killed are gone.
func (c *copyist) swept(before []string) error {
	after, err := c.leftovers()
	if len(after) > 0 {
		c.find("failed", "temporary files pile up: %q", after)
	}
	c.counts.swept += len(before) - len(after)
	c.counts.piled += len(after)
	return err
}
