//go:build linux

package fault

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/boltsession/session"
)

// fullOrder is what a glutton is to do.
type fullOrder struct {
	ioOrder
	FileSize uint64 `json:"file_size,omitempty"` // RLIMIT_FSIZE
}

// glutton fills a store, looks at what works then, has it reaped, and goes on.
type glutton struct {
	*ioChild
	living []int
	expiry time.Time // of every other session
}

// fullMost is how many sessions each of the writers stores at most: more than there is room for.
const fullMost = 600

// fullLife is how long sessions live that are to be reaped: about as long as it takes to fill a store.
const fullLife = 2500 * time.Millisecond

func playFull(args []string) error {
	order := fullOrder{}
	if err := json.Unmarshal([]byte(args[0]), &order); err != nil {
		return err
	}
	if order.FileSize > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: order.FileSize, Max: order.FileSize}); err != nil {
			return err
		}
	}
	g := &glutton{ioChild: newIOChild(order.ioOrder)}
	if err := g.open(); err != nil {
		return err
	}
	ctx := context.Background()
	g.fill(ctx)
	g.write(deed{Op: "filled"})
	g.readAll(ctx)
	g.swell(ctx)
	g.end(ctx)
	g.readAll(ctx)
	g.reapOnce(ctx)
	g.goOn(ctx)
	g.settle(ctx)
	g.close()
	return nil
}

// fill stores sessions, every other one of which is to expire soon, until there is no room: for each of
// the writers three times in a row.
func (g *glutton) fill(ctx context.Context) {
	g.expiry = time.Now().Add(fullLife)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i, misses := 0, 0; i < fullMost && misses < 3; i++ {
				var err error
				if w%2 == 0 {
					err = g.expire(ctx)
				} else {
					err = g.live(ctx)
				}
				if err == nil {
					misses = 0
				} else {
					misses++
				}
				if g.SyncEvery > 0 { // what is accepted is not to run away from what is stored
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
}

// number returns the next session's number.
func (g *glutton) number() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last++
	return g.last
}

func (g *glutton) live(ctx context.Context) error {
	n := g.number()
	s, err := g.store.Create(ctx, idOf(n))
	if err != nil {
		return err
	}
	s.SetUser(userOf(n))
	if err = g.save(ctx, n, s); err == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.living = append(g.living, n)
	}
	return err
}

// expire stores a session that is to expire soon.
func (g *glutton) expire(ctx context.Context) error {
	n := g.number()
	g.write(deed{Op: "expired", ID: n})
	began := g.expiry.Add(-time.Minute)
	s := session.NewSession(g.store, idOf(n), session.Meta{
		Created: began, LastAccess: began, End: began.Add(time.Hour), MaxAge: time.Minute,
		User: userOf(n), Salt: []byte(idOf(n).String()[:16]),
	})
	if err := s.Set("pad", strings.Repeat("x", 500)); err != nil {
		return err
	}
	return g.do(deed{Op: "save", ID: n, Value: -1, User: userOf(n)}, func(*deed) error { return s.Save(ctx) })
}

// readAll reads all that lives, and lists.
func (g *glutton) readAll(ctx context.Context) {
	for _, n := range g.living {
		g.get(ctx, n)
	}
	g.list(ctx)
}

// swell saves existing sessions, until there is no room for that either.
func (g *glutton) swell(ctx context.Context) {
	most := 20 * len(g.living)
	if g.Naive {
		most = 500 // it knows no limit
	}
	for i, misses := 0, 0; i < most && misses < 10; i++ {
		n := g.living[i%len(g.living)]
		s, err := g.store.Get(ctx, idOf(n), "cart")
		if err == nil {
			err = g.save(ctx, n, s)
		}
		if err != nil {
			misses++
		}
	}
}

// end destroys a few sessions, and a user's. They stay ended, room or not.
func (g *glutton) end(ctx context.Context) {
	for _, n := range g.living[:min(20, len(g.living))] {
		s, err := g.store.Get(ctx, idOf(n), "cart")
		g.do(deed{Op: "destroy", ID: n}, func(*deed) error { return g.store.Destroy(ctx, idOf(n)) })
		g.get(ctx, n)
		if err == nil {
			g.ended[n] = s
			g.save(ctx, n, s)
		}
	}
	if users, ok := session.As[session.UserIndex](g.store); ok {
		g.do(deed{Op: "user", User: "user1"}, func(*deed) error {
			_, err := users.DestroyUser(ctx, "user1")
			return err
		})
	}
}

func (g *glutton) reapOnce(ctx context.Context) {
	time.Sleep(time.Until(g.expiry))
	if reapable, ok := session.As[session.Reapable](g.store); ok {
		g.do(deed{Op: "reap"}, func(e *deed) (err error) {
			e.Value, err = reapable.Reap(ctx)
			return err
		})
	}
}

// goOn shows that there is room again, for existing sessions and for new ones.
func (g *glutton) goOn(ctx context.Context) {
	g.do(deed{Op: "go on"}, func(*deed) (err error) {
		for range 5 {
			err = errors.Join(err, g.live(ctx))
		}
		n := g.living[len(g.living)-1]
		s, getErr := g.store.Get(ctx, idOf(n), "cart")
		if getErr != nil {
			return errors.Join(err, getErr)
		}
		return errors.Join(err, g.save(ctx, n, s))
	})
}
