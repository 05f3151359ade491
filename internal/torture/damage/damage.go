//go:build linux

package damage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

var damage = trial.Technique{
	Name:   "damage",
	What:   "files damaged in nine ways, opened, read, written, checked and recovered",
	Proves: "9, 10",
	Breaks: "the store has no verifier and no checksums",
	Run:    tryDamage,
}

func tryDamage(ctx context.Context, t *trial.Trial) error {
	if t.Broken {
		return damageFiles(ctx, t, damageStocks[:1], 12)
	}
	for _, step := range []func(context.Context, *trial.Trial) error{
		func(ctx context.Context, t *trial.Trial) error {
			return damageFiles(ctx, t, damageStocks, t.Size(500, 50))
		},
		damageLive, damageRecover, damageCheckCost,
	} {
		if err := step(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// damageStocks are the files that are damaged. The last is for the full figure: it is large.
var damageStocks = []stock{
	{Name: "small", Sessions: 120},
	{Name: "parts", Sessions: 400, Parts: true, Expires: true},
	{Name: "big", Sessions: 150, Big: true, Parts: true},
	{Name: "killed", Sessions: 400, Parts: true, Killed: true, Expires: true},
	{Name: "killed big", Sessions: 150, Big: true, Killed: true},
	{Name: "encrypted", Sessions: 300, Parts: true, Encrypted: true},
	{Name: "ten thousand", Sessions: 10_000, Parts: true},
}

// wreckage is a damaged file: a stock's, and how it is damaged.
type wreckage struct {
	*sample
	kind damageKind
	seed uint64
}

// sample is the sound file of a stock.
type sample struct {
	stock
	*anatomy
	naively bool
}

// makeSamples makes the sound files.
func makeSamples(ctx context.Context, t *trial.Trial, stocks []stock) (samples []*sample, err error) {
	for _, k := range stocks {
		if t.Broken {
			k.Parts, k.Expires = false, false // it knows neither
		}
		image, err := k.make(ctx, t.Dir, t.Broken)
		if err != nil {
			return nil, err
		}
		a, err := dissect(image)
		if err != nil {
			return nil, err
		}
		samples = append(samples, &sample{k, a, t.Broken})
	}
	return samples, nil
}

// damageFiles damages n files in each way and has them surveyed.
func damageFiles(ctx context.Context, t *trial.Trial, stocks []stock, n int) error {
	if t.Quick {
		stocks = stocks[:min(len(stocks), 6)]
	}
	samples, err := makeSamples(ctx, t, stocks)
	if err != nil {
		return err
	}
	var wrecks []wreckage
	for _, kind := range damageKinds {
		for i := range n {
			at := i % len(samples)
			if s := samples[at]; s.Sessions >= 10_000 && i%(4*len(samples)) != at {
				at = 0 // it takes as long as 20 others
			}
			wrecks = append(wrecks, wreckage{samples[at], kind, t.Rand.Uint64()})
		}
	}
	b := &bench{t: t, sums: map[string]*sums{}}
	inParallel(wrecks, func(worker int, w wreckage) {
		if err := b.survey(ctx, worker, w); err != nil && ctx.Err() == nil {
			t.Fail("%v", err)
		}
	})
	b.stop()
	b.report()
	return ctx.Err()
}

const parallel = 2

// inParallel calls f for all of them, for two at a time.
func inParallel[T any](all []T, f func(worker int, one T)) {
	next := make(chan T)
	var workers sync.WaitGroup
	for w := range parallel {
		workers.Go(func() {
			for one := range next {
				f(w, one)
			}
		})
	}
	for _, one := range all {
		next <- one
	}
	close(next)
	workers.Wait()
}

// bench is where damaged files are surveyed, by helpers.
type bench struct {
	t       *trial.Trial
	helpers [parallel]helper

	mu   sync.Mutex
	sums map[string]*sums // by kind of damage
	kept int
}

// surveyPatience is long for files that take a tenth of a second.
const surveyPatience = 30 * time.Second

func (b *bench) survey(ctx context.Context, worker int, w wreckage) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	image := w.kind.do(rand.New(rand.NewPCG(w.seed, 0)), bytes.Clone(w.image), w.pageSize)
	h := w.harm(image)
	path := filepath.Join(b.t.Dir, fmt.Sprintf("damaged-%d.db", worker))
	if err := os.WriteFile(path, image, 0o600); err != nil {
		return err
	}
	defer os.Remove(path)
	helper := &b.helpers[worker]
	helper.role, helper.patience = "surveyor", surveyPatience
	var f finding
	err := helper.ask(ctx, surveyRequest{path, w.stock, w.naively}, &f)
	if err != nil && !errors.Is(err, errDied) && !errors.Is(err, errHung) {
		return err
	}
	where := fmt.Sprintf("%s of %q, seed %d", w.kind.name, w.Name, w.seed)
	if err != nil {
		b.t.Fail("%s: %v: %s", where, err, helper.lastWords())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := b.sums[w.kind.name]
	if sum == nil {
		sum = &sums{errors: map[string]int{}}
		b.sums[w.kind.name] = sum
	}
	sum.add(h, &f, err)
	if err != nil {
		return b.keep(image)
	}
	problems := w.judge(h, &f)
	for _, problem := range problems {
		b.t.Fail("%s: %s", where, problem)
	}
	if len(problems) > 0 {
		return b.keep(image)
	}
	return nil
}

// keep keeps a file that broke a promise, until the end or with -keep for good.
func (b *bench) keep(image []byte) error {
	if b.kept++; b.kept > 20 {
		return nil
	}
	path := filepath.Join(b.t.Dir, fmt.Sprintf("broken-%d.db", b.kept))
	return os.WriteFile(path, image, 0o600)
}

func (b *bench) stop() {
	for i := range b.helpers {
		b.helpers[i].stop()
	}
}

// judge says which promises a finding breaks.
func (w *wreckage) judge(h harm, f *finding) (broken []string) {
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	for _, wrong := range f.Wrong {
		say("%s", wrong)
	}
	if w.naively {
		return broken
	}
	opened := f.Open == ""
	fell := f.Told && h.meta && w.Killed // back to the commit before the last
	for _, i := range f.Missing {
		if !w.hits(h, w.id(i)) {
			say("session %d is not found, and its page is undamaged", i)
		}
	}
	switch {
	case h.tree && f.Check == "":
		say("Check finds nothing (%s)", f.CheckSays)
	case (h.meta || h.list) && f.Check == "" && !f.Warned:
		say("Check finds nothing and warns of nothing")
	case !h.effective() && !h.short && f.Check != "":
		say("Check finds damage where there is none that counts: %s", f.CheckSays)
	case f.Check == "" && (!opened || len(f.Missing) > 0):
		say("Check finds it sound; Open %q, and %d sessions are missing", f.Open, len(f.Missing))
	case !h.effective() && !h.short && !opened:
		say("Open = %s though nothing that counts is damaged", f.Open)
	case f.Back && !fell:
		say("the session that ended last is back")
	}
	return broken
}

// report prints the figures.
func (b *bench) report() {
	all := sums{errors: map[string]int{}}
	for _, kind := range damageKinds {
		if sum := b.sums[kind.name]; sum != nil {
			b.t.Figure("%-18s %s", kind.name, sum)
			all.merge(sum)
		}
	}
	b.t.Figure("%-18s %s", "all", &all)
	b.t.Figure("errors of Open, reads and writes: %s", counts(all.errors))
}
