//go:build linux

package fault

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/naive"
)

// ioOrder is what a child is to do.
type ioOrder struct {
	Path      string        `json:"path"`
	Phase     string        `json:"phase"` // what is done while calls fail
	Naive     bool          `json:"naive,omitempty"`
	SyncEvery time.Duration `json:"sync_every,omitempty"`
	MaxSize   int64         `json:"max_size,omitempty"`
	Saves     int           `json:"saves,omitempty"` // after a snapshot was broken
}

// ioChild works on a store whose system calls fail.
type ioChild struct {
	ioOrder
	*diary
	in    *bufio.Scanner
	store session.Store
	slots [ioSlots]*session.Session
	ids   [ioSlots]int
	mu    sync.Mutex
	last  int // the last session's number
	value int // the last value saved
	ended map[int]*session.Session

	numbers map[session.ID]int

	blind bool // the file is not open: each read would wait for a second
}

const ioSlots = 6

func playIOError(args []string) error {
	order := ioOrder{}
	if err := json.Unmarshal([]byte(args[0]), &order); err != nil {
		return err
	}
	c := newIOChild(order)
	ctx := context.Background()
	if err := c.prelude(ctx); err != nil {
		return fmt.Errorf("prelude: %w", err)
	}
	c.await("ready")
	phases[c.Phase](c, ctx)
	c.await("done")
	return c.finish(ctx)
}

func newIOChild(order ioOrder) *ioChild {
	return &ioChild{
		ioOrder: order, diary: newDiary(os.Stdout), in: bufio.NewScanner(os.Stdin),
		ended: make(map[int]*session.Session), numbers: make(map[session.ID]int),
	}
}

// phases are what is done while calls fail.
var phases = map[string]func(*ioChild, context.Context){
	"work":     (*ioChild).work,
	"open":     func(c *ioChild, ctx context.Context) { c.open(); c.rounds(ctx, 2) },
	"reap":     (*ioChild).reap,
	"close":    func(c *ioChild, ctx context.Context) { c.rounds(ctx, 1); c.close() },
	"backup":   (*ioChild).backup,
	"compact":  (*ioChild).compact,
	"snapshot": (*ioChild).snapshot,
}

// await tells the trial how far it has come, and waits for its word.
func (c *ioChild) await(at string) {
	c.write(deed{Op: at})
	c.in.Scan()
}

func (c *ioChild) open() error {
	return c.do(deed{Op: "open"}, func(*deed) (err error) {
		if c.Naive {
			c.store, err = naive.Open(c.Path)
			return err
		}
		store, err := session.Open(c.Path, &session.BoltOptions{
			NoSocket: true, Reap: session.Never, SyncEvery: c.SyncEvery, MaxSize: c.MaxSize, Logger: slog.New(slog.DiscardHandler),
		})
		if err == nil {
			c.store = store
		}
		return err
	})
}

// prelude makes the store and what is in it before anything fails.
func (c *ioChild) prelude(ctx context.Context) error {
	if err := c.open(); err != nil {
		return err
	}
	for range 20 { // that are only looked at
		if err := c.create(ctx, -1); err != nil {
			return err
		}
	}
	for i := range ioSlots {
		if err := c.create(ctx, i); err != nil {
			return err
		}
	}
	switch c.Phase {
	case "reap":
		return c.expired(ctx, 400)
	case "snapshot":
		return c.crowd(ctx, 700)
	case "open":
		return c.close()
	}
	return nil
}

func (c *ioChild) close() error {
	return c.do(deed{Op: "close"}, func(*deed) error {
		store := c.store
		c.store = nil
		return store.Close()
	})
}

// idOf is the ID of a session by its number.
func idOf(n int) session.ID { return session.TokenID(fmt.Sprint("session ", n)) }

// userOf is the user of a session, by its number.
func userOf(n int) string { return fmt.Sprint("user", n%4) }

// create makes a session and puts it into a slot.
func (c *ioChild) create(ctx context.Context, slot int) error {
	c.mu.Lock()
	c.last++
	n := c.last
	c.mu.Unlock()
	s, err := c.store.Create(ctx, idOf(n))
	if err != nil {
		return err
	}
	s.SetUser(userOf(n))
	err = c.save(ctx, n, s)
	if slot >= 0 {
		c.slots[slot], c.ids[slot] = s, n
	}
	return err
}

// save gives a session its next value, in three places.
func (c *ioChild) save(ctx context.Context, n int, s *session.Session) error {
	c.mu.Lock()
	c.value++
	v := c.value
	c.mu.Unlock()
	return c.do(deed{Op: "save", ID: n, Value: v, User: userOf(n)}, func(*deed) error {
		if err := setAll(ctx, s, v); err != nil {
			return err
		}
		return s.Save(ctx)
	})
}

// setAll sets a value in two components, and some padding, so that a save is of several pages.
func setAll(ctx context.Context, s *session.Session, v int) error {
	cart, err := s.Component(ctx, "cart")
	if err != nil {
		return err
	}
	return errors.Join(s.Set("n", v), s.Set("pad", strings.Repeat("x", v*997%3000)), s.Set("check", v), cart.Set("n", v))
}

// valueOf returns a session's value, and whether its parts are of different saves.
func valueOf(ctx context.Context, s *session.Session) (v int, torn bool, err error) {
	var check, inCart int
	var pad string
	cart, err := s.Component(ctx, "cart")
	if err != nil {
		return 0, false, err
	}
	err = errors.Join(s.Get("n", &v), s.Get("check", &check), s.Get("pad", &pad), cart.Get("n", &inCart))
	return v, err != nil || v != check || v != inCart || len(pad) != v*997%3000, nil
}

func (c *ioChild) get(ctx context.Context, n int) error {
	if c.blind {
		return nil
	}
	return c.do(deed{Op: "get", ID: n}, func(e *deed) error {
		start := time.Now()
		s, err := c.store.Get(ctx, idOf(n), "cart")
		if err == nil {
			e.Value, e.Torn, err = valueOf(ctx, s)
		}
		c.blind = time.Since(start) > time.Second/2
		return err
	})
}

// lister is a store that lists, as a session.Lister does.
type lister interface {
	All(context.Context) iter.Seq2[session.Info, error]
}

func (c *ioChild) list(ctx context.Context) {
	lists, ok := session.As[lister](c.store)
	if !ok || c.blind {
		return
	}
	c.do(deed{Op: "list"}, func(e *deed) error {
		for info, err := range lists.All(ctx) {
			if err != nil {
				return err
			}
			e.IDs = append(e.IDs, c.numberOf(info.ID))
		}
		return nil
	})
}

// numberOf is the number of a session, 0 for none of ours.
func (c *ioChild) numberOf(id session.ID) int {
	for n := len(c.numbers) + 1; n <= c.last; n++ {
		c.numbers[idOf(n)] = n
	}
	return c.numbers[id]
}

// finish shows that the store recovers, carries out what is owed, and closes.
func (c *ioChild) finish(ctx context.Context) error {
	start := time.Now()
	for c.store == nil { // it was closed, or could not be opened
		if c.open() == nil {
			break
		}
		if time.Since(start) > recoverWithin {
			return errors.New("the store cannot be opened though nothing fails any more")
		}
		time.Sleep(50 * time.Millisecond)
	}
	for c.create(ctx, -1) != nil {
		if time.Since(start) > recoverWithin {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.write(deed{Op: "recovered", Took: time.Since(start).Milliseconds()})
	c.settle(ctx)
	c.close()
	return nil
}

// recoverWithin is how long a store may take to write again: it pauses for up to 5 s between
// attempts to open its file.
const recoverWithin = 20 * time.Second

// settle waits for the ends that are owed, and shows that what has ended stays so.
func (c *ioChild) settle(ctx context.Context) {
	owed := 0
	if store, ok := session.As[*session.BoltStore](c.store); ok {
		for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			owed = store.Stats().Refused
			if owed == 0 || time.Since(start) > recoverWithin {
				break
			}
		}
	}
	c.write(deed{Op: "settled", Value: owed})
	c.blind = false
	for n := range c.last + 1 {
		if n > 0 {
			c.get(ctx, n)
		}
	}
	c.list(ctx)
	c.revive(ctx)
}

// revive tries to save the sessions that have ended, through handles from before.
func (c *ioChild) revive(ctx context.Context) {
	for n, s := range c.ended {
		c.save(ctx, n, s)
	}
}
