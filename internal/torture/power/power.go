//go:build linux

package power

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

var power = trial.Technique{
	Name:   "power",
	What:   "power cuts: a busy store's system calls recorded, and disks made of what was synced and random parts of the rest",
	Proves: "2, 4",
	Breaks: "the disk ignores the syncs of files; what SyncEvery accepted passes for durable",
	Run:    runPower,
}

// syncEveryGrace is how old, in seconds, the saves may be that a power cut takes with SyncEvery at
// a second.
const syncEveryGrace = 1.2

// runPower cuts the power at random places of some recordings. Of three, one goes on after a power
// cut in the one before, and one is with SyncEvery.
func runPower(ctx context.Context, t *trial.Trial) error {
	if err := mayTrace(ctx, t); err != nil {
		return err
	}
	c, err := newCutter(t)
	if err != nil {
		return err
	}
	defer c.close()
	if t.Broken {
		return c.controls(ctx)
	}
	recordings, images := t.Size(12, 3), t.Size(5000, 300)
	var last *recording
	for i := range recordings {
		rec, err := c.filmNext(ctx, i, last)
		if err != nil {
			return err
		}
		if err := c.cut(ctx, rec, (i+1)*images/recordings-i*images/recordings); err != nil {
			return err
		}
		last = rec
	}
	c.report()
	return nil
}

// filmNext records one workload after the other.
func (c *cutter) filmNext(ctx context.Context, i int, last *recording) (*recording, error) {
	switch i % 3 {
	case 1:
		start, err := c.newStart(ctx, last)
		if err != nil {
			return nil, err
		}
		return c.film(ctx, fmt.Sprintf("recording%d after %s", i, last.name), start, c.busy("v"))
	case 2:
		return c.film(ctx, fmt.Sprint("recording", i), nil, c.accepting())
	}
	return c.film(ctx, fmt.Sprint("recording", i), nil, c.busy("w"))
}

// controls breaks one thing after the other. Each has to be noticed.
func (c *cutter) controls(ctx context.Context) error {
	ignored, err := c.film(ctx, "ignored", nil, c.busy("w"))
	if err != nil {
		return err
	}
	accepted, err := c.film(ctx, "accepted", nil, c.accepting())
	if err != nil {
		return err
	}
	ignored.ignoreSyncs, accepted.grace = true, 0
	var examples []string
	for _, rec := range []*recording{ignored, accepted} {
		c.findings = nil
		if err := c.cut(ctx, rec, 60); err != nil {
			return err
		}
		c.Figure("%s: %d findings in 60 images", rec.name, len(c.findings))
		if len(c.findings) == 0 {
			return nil // and is found out, as nothing is reported
		}
		examples = append(examples, c.findings[0])
	}
	for _, finding := range examples {
		c.Fail("%s", finding)
	}
	return nil
}

// busy is a workload in which each answer means that it is on disk.
func (c *cutter) busy(name string) workload {
	return workload{
		Name: name, Seed: c.Rand.Uint64(), Writers: 16, Deeds: c.Size(200, 40), MaxSize: []int64{0, 16 << 20}[c.Rand.IntN(2)],
		Maintain: 120 * time.Millisecond, Backups: 1 + c.Rand.IntN(2), Compacts: 1 + c.Rand.IntN(3),
	}
}

// accepting is a workload with SyncEvery. A reap would store what was accepted: there is only one.
func (c *cutter) accepting() workload {
	return workload{
		Name: "w", Seed: c.Rand.Uint64(), Writers: 6, Deeds: c.Size(80, 50), Pause: 40 * time.Millisecond, SyncEvery: time.Second,
		Maintain: 1500 * time.Millisecond, Compacts: c.Rand.IntN(2),
	}
}

// stall is how long the machine may stand still in a recording in which time counts.
const stall = 100 * time.Millisecond

// film records a workload. Where time counts, one in which the machine stood still is worth less:
// if there is no better one, what it stood still is allowed in addition.
func (c *cutter) film(ctx context.Context, name string, start *start, work workload) (*recording, error) {
	args, err := json.Marshal(work)
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		rec, err := record(ctx, c.Trial, c.dir, fmt.Sprintf("%s.%d", name, try), start, "scribe", string(args))
		if err != nil {
			return nil, err
		}
		if work.SyncEvery > 0 {
			still := rec.story.stillness()
			if still > stall && try < 3 && !c.Broken {
				c.Figure("%s: the machine stood still for %v, recorded again", rec.name, still)
				continue
			}
			rec.grace = syncEveryGrace
			if still > stall && !c.Broken {
				rec.grace += still.Seconds()
				c.Figure("%s: the machine stood still for %v, which is allowed in addition", rec.name, still)
			}
		}
		c.recordings++
		c.calls += len(rec.calls)
		pauseFor(ctx, 1100*time.Millisecond) // what was to expire has expired
		return rec, ctx.Err()
	}
}

// stillness is how much longer than it should a tick took.
func (c *chronicle) stillness() (longest time.Duration) {
	for i := range max(0, len(c.ticks)-1) {
		took := time.Duration((c.ticks[i+1] - c.ticks[i]) * float64(time.Second))
		longest = max(longest, took-tickTime)
	}
	return longest
}
