package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	bolt "go.etcd.io/bbolt"
)

// TestApplyTwiceIsApplyOnce applies random ops to a file and to a model, and each of them a second
// time: that must change nothing, as the file and the model must agree.
func TestApplyTwiceIsApplyOnce(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			db := openEmpty(t)
			g := &opGenerator{Rand: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_800_000_000, 0)}
			model := modelStore{}
			for range 200 {
				o := g.next(db)
				want := model.apply(o)
				got, dump := applyOnce(t, db, o)
				if !errors.Is(got.err, want) {
					t.Fatalf("%+v: %v, want %v", o, got.err, want)
				}
				again, dumpAgain := applyOnce(t, db, o)
				if got.err == nil && o.kind == opSave && again.err != nil {
					t.Fatalf("%+v: %v the second time", o, again.err)
				}
				if again.err == nil && again.count != 0 {
					t.Fatalf("%+v ended %d sessions the second time", o, again.count)
				}
				if !maps.EqualFunc(dump, dumpAgain, bytes.Equal) {
					t.Fatalf("%+v changed the file the second time", o)
				}
				model.compare(t, db, g.now)
			}
		})
	}
}

// openEmpty opens a file with a store's buckets, and nothing over it.
func openEmpty(t *testing.T) *bolt.DB {
	f, err := boltfile.Open(context.Background(), filepath.Join(t.TempDir(), "sessions.db"), boltfile.Options{Init: createStore})
	if err != nil {
		t.Fatal(err)
	}
	f.DB().NoSync = true
	t.Cleanup(func() { f.Close() })
	return f.DB()
}

// applyOnce applies an op and returns what the file has then.
func applyOnce(t *testing.T, db *bolt.DB, o op) (out outcome, dump map[string][]byte) {
	t.Helper()
	err := db.Update(func(tx *bolt.Tx) error {
		a, err := newApplier(tx, 1000)
		if err != nil {
			return err
		}
		a.seen = func(ID) touchMark { return touchMark{} }
		tk := &task{op: o}
		err = a.apply(tk)
		out = tk.outcome
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dump = map[string][]byte{}
	db.View(func(tx *bolt.Tx) error {
		tx.ForEach(func(name []byte, b *bolt.Bucket) error { dumpBucket(dump, string(name), b); return nil })
		return nil
	})
	return out, dump
}

func dumpBucket(dump map[string][]byte, path string, b *bolt.Bucket) {
	dump[path+"#"] = fmt.Append(nil, b.Sequence())
	b.ForEach(func(k, v []byte) error {
		if v == nil {
			dumpBucket(dump, path+"/"+string(k), b.Bucket(k))
		} else {
			dump[path+"/"+string(k)] = bytes.Clone(v)
		}
		return nil
	})
}

// opGenerator makes random ops over few sessions, users, components and keys.
type opGenerator struct {
	*rand.Rand
	now time.Time
	n   int
}

func (g *opGenerator) next(db *bolt.DB) op {
	g.now = g.now.Add(time.Duration(g.IntN(60)) * time.Second)
	g.n++
	o := op{kind: opSave, id: testID(g.IntN(8)), at: g.now, reason: Destroyed}
	switch n := g.IntN(20); {
	case n < 4:
		o.rev = revision{isNew: true, meta: g.meta(), changes: g.changes()}
	case n < 12:
		o.rev.changes = g.changes()
		if g.IntN(3) == 0 {
			o.rev.meta = g.meta()
		}
	case n < 13:
		o.kind = opDestroy
	case n < 15:
		o.kind, o.to, o.rev.changes = opRenew, testID(g.IntN(8)), g.changes()
	case n < 16:
		o.kind, o.user, o.except = opDestroyUser, g.user(), []ID{testID(g.IntN(8))}
	case n < 18:
		o.kind, o.items = opTouch, []item{{id: o.id, touch: touchMark{}.add(nanos(g.now), nanos(g.now))}}
	case n < 19:
		o.kind, o.items = opReap, g.due(db)
	default:
		if o.kind = opUnindex; g.IntN(4) == 0 {
			o.kind, o.listed = opClear, true
		}
		o.items = g.due(db)
	}
	return o
}

// due returns entries for the reaper: those of the expiry index that are due, and all of the user index.
func (g *opGenerator) due(db *bolt.DB) (items []item) {
	db.View(func(tx *bolt.Tx) error {
		tab, err := openTables(tx)
		due, _ := tab.due(nil, nil, 100, g.now)
		items = dueItems(due)
		tab.users.ForEach(func(k, _ []byte) error {
			user, id, _ := parseUserKey(k)
			items = append(items, item{id: id, user: string(user)})
			return nil
		})
		return err
	})
	slices.SortFunc(items, func(x, y item) int { return compareIDs(x.id, y.id) })
	return items
}

func (g *opGenerator) user() string { return []string{"ann", "bob", "annie"}[g.IntN(3)] }

func (g *opGenerator) meta() *Meta {
	m := Meta{Created: g.now, LastAccess: g.now, End: g.now.Add(time.Hour), MaxAge: time.Duration(1+g.IntN(20)) * time.Minute}
	if g.IntN(2) == 0 {
		m.User = g.user()
	}
	m.Salt = fmt.Appendf(nil, "salt %d", g.n)
	return &m
}

func (g *opGenerator) changes() map[string]ComponentChanges {
	all := map[string]ComponentChanges{}
	for range g.IntN(3) {
		c := ComponentChanges{Clear: g.IntN(6) == 0}
		for range g.IntN(3) {
			if key := fmt.Sprint("key", g.IntN(4)); g.IntN(3) == 0 {
				c.Removed = append(c.Removed, key)
			} else if !slices.Contains(c.Removed, key) {
				if c.Set == nil {
					c.Set = map[string][]byte{}
				}
				c.Set[key] = []byte{0x18, byte(24 + g.IntN(200))} // a small integer
			}
		}
		c.Removed = slices.DeleteFunc(c.Removed, func(key string) bool { return c.Set[key] != nil })
		all[[]string{"", "cart", "prefs"}[g.IntN(3)]] = c
	}
	return all
}
