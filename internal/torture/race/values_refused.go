//go:build linux

package race

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// unstorable are values that must be refused, wherever they are, by name.
var unstorable = map[string]func(m maker) any{
	"func":              func(maker) any { return func() {} },
	"chan":              func(maker) any { return make(chan int) },
	"complex":           func(maker) any { return complex(1, 2) },
	"uintptr":           func(maker) any { return uintptr(1) },
	"error":             func(maker) any { return struct{ E error }{errors.New("x")} },
	"mutex":             func(maker) any { return &sync.Mutex{} },
	"opaque struct":     func(maker) any { return valOpaque{1, 2} },
	"one-way marshaler": func(maker) any { return valOneWay{1} },
	"failing marshaler": func(maker) any { return valFailing{1} },
	"lossy marshaler":   func(maker) any { return valLossy{1, 2} },
	"invalid UTF-8":     func(maker) any { return "bad\xff" },
	"invalid UTF-8 key": func(maker) any { return map[string]int{"bad\xff": 1} },
	"NaN key":           func(maker) any { return map[float64]int{math.NaN(): 1} },
	"cyclic pointer":    func(maker) any { t := &valTree{}; t.Left = &valTree{Right: t}; return t },
	"cyclic value":      func(m maker) any { return struct{ V any }{m.cycle()} },
	"pointer left out": func(maker) any {
		return struct {
			P valSelf `json:"-"`
		}{}
	},
	"self-made pointer": func(maker) any { var p valSelf; p = &p; return struct{ P valSelf }{p} },
	"too deep":          func(maker) any { return nested(17) },
	"far too deep":      func(maker) any { return nested(100_000) },
	"int in any":        func(maker) any { return struct{ V any }{1} },
	"struct in any":     func(maker) any { return map[string]any{"a": valBase{}} },
	"pointer in any":    func(maker) any { return []any{new(int)} },
	"year 12345":        func(maker) any { return time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC) },
	"too large":         func(maker) any { return strings.Repeat("x", 70_000) },
	"too many elements": func(maker) any { return make([]int, 4097) },
	"too many keys":     func(maker) any { return manyKeys(1025) },
	"too wide":          func(maker) any { return wideFan(14) },
}

// nested returns slices in one another.
func nested(depth int) any {
	var v any = "core"
	for range depth {
		v = []any{v}
	}
	return struct{ V any }{v}
}

func manyKeys(n int) map[int]bool {
	m := map[int]bool{}
	for i := range n {
		m[i] = true
	}
	return m
}

func wideFan(levels int) *valWide {
	at := &valWide{}
	for range levels {
		at = &valWide{at, at, at, at, at, at, at, at}
	}
	return at
}

// valuesRefused sets values that cannot be stored, in the middle of others that can. Each is to be
// refused, in a moment, and nothing to be written.
func valuesRefused(ctx context.Context, t *trial.Trial) error {
	store, err := session.Open(filepath.Join(t.Dir, "refused.db"), &session.BoltOptions{Reap: session.Never, NoSocket: true})
	if err != nil {
		return err
	}
	defer store.Close()
	s := session.NewSession(store, session.TokenID("refused"), session.Meta{MaxAge: time.Hour, LastAccess: time.Now(), End: time.Now().Add(time.Hour)})
	if err := errors.Join(s.Set("value", "earlier"), s.Save(ctx)); err != nil {
		return err
	}
	before, seed := store.Stats(), t.Rand.Uint64()
	var tried, slowest atomic.Int64
	err = valuesEach(ctx, t.Size(500, 20), func(i int) error {
		for name, make := range unstorable {
			if t.Broken && name == "too wide" { // for JSON, too
				continue
			}
			m := newMaker(seed+uint64(i), true)
			start := time.Now()
			tryUnstorable(ctx, t, s, name, m.around(reflect.ValueOf(make(m)), 3))
			tried.Add(1)
			if took := int64(time.Since(start)); took > slowest.Load() {
				slowest.Store(took)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if value, _ := session.Key[string]("value").Get(s); value != "earlier" {
		t.Fail("the earlier value is %q", value)
	}
	after := store.Stats()
	if after.Commits != before.Commits {
		t.Fail("refused values took %d commits", after.Commits-before.Commits)
	}
	t.Figure("%d values with one of %d things that cannot be stored: none written, refused within %v", tried.Load(), len(unstorable), time.Duration(slowest.Load()).Round(time.Millisecond))
	return nil
}

// tryUnstorable sets a value that has to be refused.
func tryUnstorable(ctx context.Context, t *trial.Trial, s *session.Session, name string, v reflect.Value) {
	err := setUnstorable(t, s, v)
	if !errors.Is(err, session.ErrUnsupportedValue) && !errors.Is(err, session.ErrTooLarge) {
		t.Fail("%s, in %.200s: Set says %v", name, v.Type(), err)
	}
	if err := s.Save(ctx); err != nil || s.IsDirty() {
		t.Fail("%s: after it was refused Save says %v", name, err)
	}
}

// setUnstorable sets a value. A control puts it into JSON, which takes some of them.
func setUnstorable(t *trial.Trial, s *session.Session, v reflect.Value) error {
	if !t.Broken {
		return s.Set("value", v.Interface())
	}
	err := jsonTrip(v.Interface(), reflect.New(v.Type()).Interface())
	if err != nil {
		return session.ErrUnsupportedValue
	}
	return nil
}

// around puts a value in the middle of storable ones.
func (m maker) around(v reflect.Value, levels int) reflect.Value {
	for range m.IntN(levels) {
		switch m.IntN(4) {
		case 0:
			outer := reflect.New(reflect.StructOf([]reflect.StructField{
				{Name: "A", Type: m.typ(1)}, {Name: "B", Type: v.Type(), Tag: `json:"b"`}, {Name: "C", Type: m.typ(1)},
			})).Elem()
			m.fill(outer.Field(0), 1)
			outer.Field(1).Set(v)
			m.fill(outer.Field(2), 1)
			v = outer
		case 1:
			v = reflect.Append(reflect.MakeSlice(reflect.SliceOf(v.Type()), 0, 1), v)
		case 2:
			outer := reflect.MakeMap(reflect.MapOf(reflect.TypeFor[string](), v.Type()))
			outer.SetMapIndex(reflect.ValueOf(fmt.Sprint("key ", m.IntN(9))), v)
			v = outer
		case 3:
			outer := reflect.New(v.Type())
			outer.Elem().Set(v)
			v = outer
		}
	}
	return v
}

func jsonTrip(v, back any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, back)
}

// gobTrip takes a panic, as nil pointers cause one, for a refusal.
func gobTrip(v, back any) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("gob panicked: %v", p)
		}
	}()
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(v); err != nil {
		return err
	}
	return gob.NewDecoder(&data).Decode(back)
}
