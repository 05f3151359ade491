//go:build linux

package fault

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
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
}

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
	g := &glutton{ioChild: &ioChild{
		ioOrder: order.ioOrder, diary: newDiary(os.Stdout), in: bufio.NewScanner(os.Stdin), ended: make(map[int]*session.Session),
	}}
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

// fill stores sessions, every other one of which has expired, until there is no room: for each of
// the writers three times in a row.
func (g *glutton) fill(ctx context.Context) {
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for misses := 0; misses < 3; {
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

// expire stores a session that has expired already.
func (g *glutton) expire(ctx context.Context) error {
	n := g.number()
	g.write(deed{Op: "expired", ID: n})
	long := time.Now().Add(-time.Hour)
	s := session.NewSession(g.store, idOf(n), session.Meta{
		Created: long, LastAccess: long, End: long.Add(48 * time.Hour), MaxAge: time.Minute, Salt: []byte(idOf(n).String()[:16]),
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
	for i, misses := 0, 0; i < 20*len(g.living) && misses < 10; i++ {
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
