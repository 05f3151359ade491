//go:build linux

package damage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/boltsession/session/internal/torture/trial"
)

// livingStocks are damaged while they are open.
var livingStocks = []stock{
	{Name: "parts", Sessions: 400, Parts: true},
	{Name: "big", Sessions: 150, Big: true, Parts: true},
}

// livingFile is a file that is damaged while a store has it open.
type livingFile struct {
	*sample
	kind int
	seed uint64
	then int
}

// damageLive damages files that are open. Reads have to bear it. That a process survives writing is
// not promised; how often it does is printed.
func damageLive(ctx context.Context, t *trial.Trial) error {
	samples, err := makeSamples(ctx, t, livingStocks)
	if err != nil {
		return err
	}
	var all []livingFile
	for kind := range damageKinds {
		for i := range t.Size(120, 6) {
			all = append(all, livingFile{samples[i%len(samples)], kind, t.Rand.Uint64(), i / 2 % thens})
		}
	}
	l := &lives{t: t, causes: map[string]int{}, errors: map[string]int{}}
	inParallel(all, func(worker int, f livingFile) {
		if err := l.try(ctx, worker, f); err != nil && ctx.Err() == nil {
			t.Fail("%v", err)
		}
	})
	for i := range l.helpers {
		l.helpers[i].stop()
	}
	t.Figure("live: %d files damaged while open and read: %d died, %d wrong; errors of reads: %s",
		l.files[thenNothing], l.died[thenNothing], l.wrong, counts(l.errors))
	t.Figure("live: of %d that were written to then, %d died, of %d in which a commit failed, %d, and of those read, %d by the write that ends a damaged session: not promised, see the README; of what: %s",
		l.files[thenWrite], l.died[thenWrite], l.files[thenFail], l.died[thenFail], l.ended, counts(l.causes))
	return ctx.Err()
}

// lives are what came of all.
type lives struct {
	t       *trial.Trial
	helpers [parallel]helper

	mu             sync.Mutex
	files, died    [thens]int
	wrong          int
	ended          int // processes, by the write that ends a damaged session
	causes, errors map[string]int
}

func (l *lives) try(ctx context.Context, worker int, f livingFile) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	path := filepath.Join(l.t.Dir, fmt.Sprintf("living-%d.db", worker))
	os.Remove(path) // not to be written over: a process may still have it open
	if err := os.WriteFile(path, f.image, 0o600); err != nil {
		return err
	}
	h := &l.helpers[worker]
	h.role, h.patience = "living", surveyPatience
	var got lived
	err := h.ask(ctx, livingRequest{path, f.stock, f.kind, f.seed, f.then}, &got)
	if err != nil && !errors.Is(err, errDied) && !errors.Is(err, errHung) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	where := fmt.Sprintf("%s of %q while open, seed %d", damageKinds[f.kind].name, f.Name, f.seed)
	l.wrong += len(got.Wrong)
	for _, wrong := range got.Wrong {
		l.t.Fail("%s: %s", where, wrong)
	}
	for kind, n := range got.Errors {
		l.errors[kind] += n
	}
	l.files[f.then]++
	if err == nil {
		return nil
	}
	inWrite := strings.Contains(h.words.String(), "committer).write")
	if f.then == thenNothing && inWrite {
		l.ended++ // a session that reads found damaged
		return nil
	}
	l.died[f.then]++
	if f.then == thenNothing {
		l.t.Fail("%s: %v: %s", where, err, h.lastWords())
		return nil
	}
	cause := causeOf(h.words.String())
	if errors.Is(err, errHung) {
		cause = "hanging"
	}
	l.causes[cause]++
	return nil
}

// causeOf names what a process died of.
func causeOf(words string) string {
	switch {
	case strings.Contains(words, "freepages"):
		return "in bbolt's scan for free pages after a failed commit"
	case strings.Contains(words, "stack overflow"):
		return "of a stack overflow"
	}
	first, _, _ := strings.Cut(words, "\n")
	return fmt.Sprintf("of %.60q", first)
}

// counts lists what was counted.
func counts(m map[string]int) string {
	var list []string
	for _, name := range sortedNames(m) {
		list = append(list, fmt.Sprintf("%d %s", m[name], name))
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
