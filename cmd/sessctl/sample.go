package main

import (
	"context"
	"time"

	"github.com/boltsession/session/admin"
)

// sample is one look at a store.
type sample struct {
	time  time.Time
	stats admin.Stats
	rates rates
	rated bool  // there are rates: the look before was at the same store
	err   error // why there are no stats
}

// rates are per second.
type rates struct {
	Saves   float64 `json:"saves"`
	Commits float64 `json:"commits"`
	Created float64 `json:"created"`
	Ended   float64 `json:"ended"`
}

// probe looks at a store again and again.
type probe struct {
	path string
	app  *connection // kept while an app answers; a file is not held
	last sample
}

// look takes a sample. An app that has gone is looked for again, at once and each time.
func (p *probe) look(ctx context.Context) (sample, error) {
	stats, err := p.stats(ctx)
	if err != nil && ctx.Err() == nil {
		p.close()
		stats, err = p.stats(ctx)
	}
	if err != nil {
		p.close()
		p.last = sample{}
		return sample{time: time.Now()}, err
	}
	s := sample{time: time.Now(), stats: onDisk(stats, p.path)}
	if before := p.last.stats; stats.Live && before.Live && stats.Opened.Equal(before.Opened) && stats.Process == before.Process {
		s.rates, s.rated = ratesBetween(p.last, s), true
	}
	p.last = s
	return s, nil
}

func (p *probe) stats(ctx context.Context) (s admin.Stats, err error) {
	if p.app != nil {
		return p.app.Stats(ctx)
	}
	c, err := connect(ctx, p.path, reading, nil)
	if err != nil {
		return s, err
	}
	if s, err = c.Stats(ctx); err == nil && c.live {
		p.app = c
		return s, nil
	}
	c.close()
	return s, err
}

func (p *probe) close() {
	if p.app != nil {
		p.app.close()
		p.app = nil
	}
}

// ratesBetween returns what happened per second between two looks at one store.
func ratesBetween(a, b sample) rates {
	seconds := max(b.time.Sub(a.time).Seconds(), 1e-3)
	per := func(before, now uint64) float64 { return float64(now-min(before, now)) / seconds }
	return rates{
		Saves:   per(a.stats.Saves, b.stats.Saves),
		Commits: per(a.stats.Commits, b.stats.Commits),
		Created: per(a.stats.Created, b.stats.Created),
		Ended:   per(a.stats.Ended, b.stats.Ended),
	}
}
