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

// killer kills the process that has a store, at random moments, and has the next one find out what
// became of what was acknowledged.
type killer struct {
	*trial.Trial
	path   string // the store's file
	ledger *ledger
	kills  map[string]int // by what the process was doing
	found  map[string]int // by kind

	saves, renewals, destroys uint64
}

func kill(ctx context.Context, t *trial.Trial) error {
	k := &killer{Trial: t, kills: map[string]int{}, found: map[string]int{}}
	total, perFile := t.Size(500, 50), t.Size(50, 25)
	if t.Broken {
		total, perFile = 10, 10
	}
	for n := 0; n < total && len(k.found) == 0 && ctx.Err() == nil; n += perFile {
		if err := k.file(ctx, n/perFile, perFile); err != nil {
			return err
		}
	}
	k.Figure("%d kills (%d while it wrote, %d while it opened, %d while it closed, %d when it had)",
		k.kills["writing"]+k.kills["opening"]+k.kills["closing"]+k.kills["closed"],
		k.kills["writing"], k.kills["opening"], k.kills["closing"], k.kills["closed"])
	k.Figure("%s acknowledged saves, %s renewals, %s ends: %d lost, %d torn, %d back from the dead, %d failed",
		thousands(k.saves), thousands(k.renewals), thousands(k.destroys),
		k.found["lost"], k.found["torn"], k.found["revived"], k.found["failed"])
	return ctx.Err()
}

// find is the finder of the trial. Of each kind the first few are told, all are counted.
func (k *killer) find(kind, format string, args ...any) {
	if k.found[kind]++; k.found[kind] <= 5 {
		k.Fail("%s: %s", kind, fmt.Sprintf(format, args...))
	}
}

// file kills the processes that have one file, one after the other, and looks into it at the end.
func (k *killer) file(ctx context.Context, n, kills int) (err error) {
	dir := filepath.Join(k.Dir, strconv.Itoa(n))
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	k.path = filepath.Join(dir, "sessions.db")
	if k.ledger, err = openLedger(filepath.Join(dir, "ledger")); err != nil {
		return err
	}
	defer k.ledger.close()
	if n%3 == 1 {
		if err := fill(ctx, k.path, k.ledger, k.Size(100_000, 10_000)); err != nil {
			return fmt.Errorf("fill store: %w", err)
		}
	}
	for i := 0; i < kills && len(k.found) == 0; i++ {
		if err := k.once(ctx, i); err != nil {
			return fmt.Errorf("file %d, kill %d: %w", n, i, err)
		}
	}
	if err := k.last(ctx); err != nil {
		return fmt.Errorf("file %d: %w", n, err)
	}
	saves, renewals, destroys := k.ledger.total()
	k.saves, k.renewals, k.destroys = k.saves+saves, k.renewals+renewals, k.destroys+destroys
	return nil
}

// once starts a process and kills it, and checks the file. The first two of a file are killed while
// they open or create it.
func (k *killer) once(ctx context.Context, i int) error {
	args := []string{k.path, filepath.Join(filepath.Dir(k.path), "ledger")}
	if k.Broken {
		args = append([]string{"-sync=1s"}, args...)
	}
	stage := "writing"
	switch r := k.Rand.IntN(20); {
	case k.Broken:
	case i < 2 || r < 2:
		stage = "opening"
	case r < 5:
		stage = "closing"
	}
	v, err := start(ctx, k.find, "app", args...)
	if err != nil {
		return err
	}
	if err := k.reach(v, stage); err != nil {
		return err
	}
	said, err := v.kill()
	if err != nil {
		return err
	}
	for _, line := range said {
		if line == "writing" || line == "closed" {
			stage = line
		}
	}
	k.kills[stage]++
	return k.check(ctx)
}

// reach waits for a stage, and then for some moment in it.
func (k *killer) reach(v *victim, stage string) error {
	if stage == "opening" {
		_, err := v.until("opening")
		time.Sleep(k.moment(20 * time.Millisecond))
		return err
	}
	if _, err := v.until("writing"); err != nil {
		return err
	}
	time.Sleep(k.moment(time.Duration(k.Size(1000, 400)) * time.Millisecond))
	if stage == "writing" {
		return nil
	}
	v.input.Close()
	_, err := v.until("closing")
	time.Sleep(k.moment(10 * time.Millisecond))
	return err
}

// moment is a random time up to most, and rather a short one.
func (k *killer) moment(most time.Duration) time.Duration {
	r := k.Rand.Float64()
	return time.Duration(r * r * float64(most))
}

// check looks whether the file that a killed process left is sound.
func (k *killer) check(ctx context.Context) error {
	_, err := session.Check(ctx, k.path)
	saves, renewals, _ := k.ledger.total()
	if _, gone := os.Stat(filepath.Dir(k.path)); gone != nil {
		return fmt.Errorf("the trial's own directory is gone, which tells nothing of the store: %w", gone)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && saves+renewals == 0: // it was not created yet
	case err != nil:
		k.find("torn", "check: %v", err)
	}
	return ctx.Err()
}

// last audits what all the kills of a file left, in a process that nobody kills.
func (k *killer) last(ctx context.Context) error {
	left, err := leftovers(filepath.Dir(k.path))
	if err != nil {
		return err
	}
	if err := age(left); err != nil {
		return err
	}
	store, err := session.Open(k.path, &session.BoltOptions{Reap: session.Never})
	if err != nil {
		return err
	}
	if err := errors.Join(audit(ctx, store, k.ledger, k.find), store.Close()); err != nil {
		return err
	}
	if left, err = leftovers(filepath.Dir(k.path)); len(left) > 0 {
		k.find("failed", "%d temporary files are left after an open: %q", len(left), left)
	}
	return errors.Join(err, k.check(ctx))
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}
