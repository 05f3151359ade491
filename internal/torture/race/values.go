//go:build linux

package race

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

var values = trial.Technique{
	Name:   "values",
	What:   "random values of random types, set, saved, loaded and compared",
	Proves: "15",
	Breaks: "values that go through encoding/json and encoding/gob",
	Run: func(ctx context.Context, t *trial.Trial) error {
		return t.Each(ctx,
			trial.Check{Name: "in memory", Run: valuesInMemory},
			trial.Check{Name: "in a file", Run: valuesInFile},
			trial.Check{Name: "refused", Run: valuesRefused})
	},
}

const (
	valuesPerSession = 8
	valuesPerType    = 100
)

// valueSource says which values there are: the same for the same numbers.
type valueSource struct {
	seed  uint64
	clean bool // only storable ones
}

// value returns the i-th value, and whether it has to be accepted. Each call makes it anew.
func (src valueSource) value(i int) (v reflect.Value, clean bool) {
	number := uint64(i / valuesPerType)
	clean = src.clean || number%2 == 0
	t := newMaker(src.seed+number, clean).typ(4)
	return newMaker(src.seed^uint64(i)<<20, clean).value(t), clean
}

// valuesTally counts what came of values.
type valuesTally struct{ accepted, refused, wrong atomic.Int64 }

func (y *valuesTally) String() string {
	return fmt.Sprintf("%d accepted and equal, %d refused, %d wrong", y.accepted.Load()-y.wrong.Load(), y.refused.Load(), y.wrong.Load())
}

// valuesInMemory sets values in sessions of a MemoryStore, loads them and compares.
func valuesInMemory(ctx context.Context, t *trial.Trial) error {
	src := valueSource{t.Rand.Uint64(), t.Broken}
	n, tally := t.Size(800_000, 24_000), &valuesTally{}
	if t.Broken {
		valuesThrough(t, src, jsonTrip, 2_000)
		return nil
	}
	store := session.NewMemoryStore(nil)
	defer store.Close()
	err := valuesEach(ctx, n/valuesPerSession, func(i int) error {
		id := session.TokenID(fmt.Sprint("values ", i))
		taken, err := src.set(ctx, t, store, id, i, tally)
		if err != nil {
			return err
		}
		if err := src.compare(ctx, t, store, id, i, taken, tally); err != nil {
			return err
		}
		return store.Destroy(ctx, id)
	})
	t.Figure("MemoryStore: %d values of %d types: %v", n, n/valuesPerType, tally)
	return err
}

// valuesInFile sets values in sessions of a BoltStore, and compares them when it is opened again.
func valuesInFile(ctx context.Context, t *trial.Trial) error {
	src := valueSource{t.Rand.Uint64(), t.Broken}
	rounds, perRound := t.Size(5, 1), t.Size(40_000, 6_000)
	if t.Broken {
		valuesThrough(t, src, gobTrip, 2_000)
		return nil
	}
	tally := &valuesTally{}
	for round := range rounds {
		src.seed++
		path := filepath.Join(t.Dir, fmt.Sprint("values ", round, ".db"))
		if err := src.inFile(ctx, t, path, perRound/valuesPerSession, tally); err != nil {
			return err
		}
	}
	t.Figure("BoltStore, closed and opened again: %d values of %d types: %v", rounds*perRound, rounds*perRound/valuesPerType, tally)
	return nil
}

func (src valueSource) inFile(ctx context.Context, t *trial.Trial, path string, sessions int, tally *valuesTally) error {
	store, err := session.Open(path, &session.BoltOptions{SyncEvery: 100 * time.Millisecond, Reap: session.Never, NoSocket: true})
	if err != nil {
		return err
	}
	id := func(i int) session.ID { return session.TokenID(fmt.Sprint("values ", i)) }
	taken := make([][]bool, sessions)
	err = valuesEach(ctx, sessions, func(i int) (err error) {
		taken[i], err = src.set(ctx, t, store, id(i), i, tally)
		return err
	})
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if store, err = session.Open(path, &session.BoltOptions{ReadOnly: true}); err != nil {
		return err
	}
	err = valuesEach(ctx, sessions, func(i int) error { return src.compare(ctx, t, store, id(i), i, taken[i], tally) })
	return errors.Join(err, store.Close())
}

// valuesEach calls f for all numbers below n, on two goroutines. The error is also that it hangs.
func valuesEach(ctx context.Context, n int, f func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	dog, done, errs := newWatchdog(), make(chan struct{}), make([]error, 2)
	for w := range errs {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if errs[w] = dog.call(fmt.Sprint("session ", i), func() error { return f(i) }); errs[w] != nil {
					return
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	if err := dog.watch(done, maxValues); err != nil {
		return err
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// maxValues is how long the values of a session may take, or one that is refused.
const maxValues = 30 * time.Second

// valueKey and valueHome are where the k-th value of a session goes: half of them into a component.
func valueKey(k int) string { return fmt.Sprint("value ", k) }

const valueHome = "values"

func valueIn(ctx context.Context, s *session.Session, k int) (interface {
	Get(string, any) error
	Set(string, any) error
}, error) {
	if k%2 == 0 {
		return s, nil
	}
	return s.Component(ctx, valueHome)
}

// set stores a session whose keys have an earlier value, sets the values of session i and saves them.
// It returns which were accepted. One that is refused must leave the earlier value and a clean session.
func (src valueSource) set(ctx context.Context, t *trial.Trial, store session.Store, id session.ID, i int, tally *valuesTally) (taken []bool, err error) {
	s, err := src.earlier(ctx, store, id)
	if err != nil {
		return nil, err
	}
	for k := range valuesPerSession {
		in, err := valueIn(ctx, s, k)
		if err != nil {
			return nil, err
		}
		v, clean := src.value(i*valuesPerSession + k)
		dirty := s.IsDirty()
		err = in.Set(valueKey(k), v.Interface())
		taken = append(taken, err == nil)
		if err == nil {
			tally.accepted.Add(1)
			continue
		}
		tally.refused.Add(1)
		if clean && !errors.Is(err, session.ErrTooLarge) {
			t.Fail("%v is refused, and could be stored: %v", v.Type(), err)
		}
		var earlier int
		switch got := in.Get(valueKey(k), &earlier); {
		case !errors.Is(err, session.ErrUnsupportedValue) && !errors.Is(err, session.ErrTooLarge):
			t.Fail("%v is refused with %v", v.Type(), err)
		case got != nil || earlier != k || s.IsDirty() != dirty:
			t.Fail("%v is refused, and the earlier value is %d, %v", v.Type(), earlier, got)
		}
	}
	return taken, s.Save(ctx)
}

// earlier stores a session that has a value under each key.
func (src valueSource) earlier(ctx context.Context, store session.Store, id session.ID) (*session.Session, error) {
	s, err := store.Create(ctx, id)
	if err != nil {
		return nil, err
	}
	for k := range valuesPerSession {
		in, err := valueIn(ctx, s, k)
		if err == nil {
			err = in.Set(valueKey(k), k)
		}
		if err != nil {
			return nil, err
		}
	}
	return s, s.Save(ctx)
}

// compare loads a session and compares what was accepted with values that are made anew.
func (src valueSource) compare(ctx context.Context, t *trial.Trial, store session.Store, id session.ID, i int, taken []bool, tally *valuesTally) error {
	s, err := store.Get(ctx, id, valueHome)
	if err != nil {
		return err
	}
	for k, accepted := range taken {
		in, err := valueIn(ctx, s, k)
		if err != nil {
			return err
		}
		want := reflect.ValueOf(k)
		if accepted {
			want, _ = src.value(i*valuesPerSession + k)
			want = reflect.ValueOf(want.Interface()) // of an interface, what it holds
		}
		got := reflect.New(want.Type())
		if err := in.Get(valueKey(k), got.Interface()); err != nil {
			tally.wrong.Add(1)
			t.Fail("%v is accepted, and does not come back: %v", want.Type(), err)
		} else if !sameValue(want, got.Elem(), false) {
			tally.wrong.Add(1)
			t.Fail("%v comes back as %#v, was %#v", want.Type(), got.Elem(), want)
		}
	}
	return nil
}

// valuesThrough has values make a trip through an encoding: the negative control.
func valuesThrough(t *trial.Trial, src valueSource, trip func(v any, back any) error, n int) {
	tally := &valuesTally{}
	for i := range n {
		v, _ := src.value(i)
		want := reflect.ValueOf(v.Interface())
		back := reflect.New(want.Type())
		if err := trip(want.Interface(), back.Interface()); err != nil {
			tally.refused.Add(1)
			continue
		}
		tally.accepted.Add(1)
		if !sameValue(want, back.Elem(), false) {
			tally.wrong.Add(1)
			if wrong := tally.wrong.Load(); wrong%100 == 1 {
				t.Fail("%.100s does not come back equal", want.Type())
			}
		}
	}
	t.Figure("%d values: %v", n, tally)
}
