//go:build linux

package fault

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/boltsession/session"
)

func (c *ioChild) work(ctx context.Context) { c.rounds(ctx, 8) }

// rounds does a bit of everything, again and again.
func (c *ioChild) rounds(ctx context.Context, n int) {
	if c.store == nil {
		return
	}
	for round := range n {
		c.saveAll(ctx)
		c.renew(ctx, round%ioSlots)
		c.destroy(ctx, (round+3)%ioSlots)
		switch round {
		case 3:
			c.endMany(ctx, "user")
		case 6:
			c.endMany(ctx, "clear")
		}
		c.touch(ctx)
		c.look(ctx)
		c.revive(ctx)
	}
}

// saveAll saves all slots at once, so that they share a commit, with new sessions in empty ones.
func (c *ioChild) saveAll(ctx context.Context) {
	var wg sync.WaitGroup
	for i := range ioSlots {
		wg.Go(func() {
			s, n := c.slots[i], c.ids[i]
			if s == nil && c.blind { // it looks whether there is one
				return
			} else if s == nil {
				c.create(ctx, i)
				return
			}
			if err := c.save(ctx, n, s); errors.Is(err, session.ErrNotFound) {
				c.slots[i] = nil
			}
		})
	}
	wg.Wait()
}

// renew moves a session to another ID.
func (c *ioChild) renew(ctx context.Context, slot int) {
	renewer, ok := session.As[session.Renewer](c.store)
	s, n := c.slots[slot], c.ids[slot]
	if !ok || s == nil {
		return
	}
	c.last += 4 // another one of the same user
	for userOf(c.last) != userOf(n) {
		c.last++
	}
	to := c.last
	c.value++
	v := c.value
	err := c.do(deed{Op: "renew", ID: n, To: to, Value: v}, func(*deed) error {
		if err := setAll(ctx, s, v); err != nil {
			return err
		}
		return renewer.Renew(ctx, s, idOf(to))
	})
	if err != nil && !errors.Is(err, session.ErrUncertain) && !errors.Is(err, session.ErrNotFound) {
		return // it goes on under its ID
	}
	c.slots[slot] = nil
	if err == nil {
		c.ended[n] = s
		if moved, err := c.store.Get(ctx, idOf(to), "cart"); err == nil {
			c.slots[slot], c.ids[slot] = moved, to
		}
	}
}

func (c *ioChild) destroy(ctx context.Context, slot int) {
	s, n := c.slots[slot], c.ids[slot]
	if s == nil {
		return
	}
	c.do(deed{Op: "destroy", ID: n}, func(*deed) error { return c.store.Destroy(ctx, idOf(n)) })
	c.slots[slot], c.ended[n] = nil, s
	c.get(ctx, n)
	c.save(ctx, n, s)
}

// endMany ends the sessions of a user, or all.
func (c *ioChild) endMany(ctx context.Context, op string) {
	users, hasUsers := session.As[session.UserIndex](c.store)
	clearer, hasClear := session.As[session.Clearer](c.store)
	if !hasUsers || !hasClear {
		return
	}
	const user = "user1"
	c.do(deed{Op: op, User: user}, func(*deed) (err error) {
		if op == "user" {
			_, err = users.DestroyUser(ctx, user)
		} else {
			_, err = clearer.Clear(ctx)
		}
		return err
	})
	for i, n := range c.ids {
		if c.slots[i] != nil && (op == "clear" || userOf(n) == user) {
			c.ended[n], c.slots[i] = c.slots[i], nil
			c.get(ctx, n)
		}
	}
	c.look(ctx)
}

func (c *ioChild) touch(ctx context.Context) {
	if toucher, ok := session.As[session.Toucher](c.store); ok {
		n := c.ids[0]
		c.do(deed{Op: "touch", ID: n}, func(*deed) error { return toucher.Touch(ctx, idOf(n), time.Now()) })
	}
}

// look reads some sessions, and the list.
func (c *ioChild) look(ctx context.Context) {
	for _, n := range append(c.ids[:2:2], 1, 2) {
		c.get(ctx, n)
	}
	c.list(ctx)
}

// expired stores sessions that have expired already.
func (c *ioChild) expired(ctx context.Context, n int) error {
	long := time.Now().Add(-time.Hour)
	return c.many(ctx, n, func(n int) error {
		c.write(deed{Op: "expired", ID: n})
		return session.NewSession(c.store, idOf(n), session.Meta{
			Created: long, LastAccess: long, End: long.Add(48 * time.Hour), MaxAge: time.Minute, Salt: make([]byte, 16),
		}).Save(ctx)
	})
}

// crowd stores sessions with values.
func (c *ioChild) crowd(ctx context.Context, n int) error {
	return c.many(ctx, n, func(n int) error {
		s, err := c.store.Create(ctx, idOf(n))
		if err != nil {
			return err
		}
		s.SetUser(userOf(n))
		return c.save(ctx, n, s)
	})
}

// many calls f for the numbers of n new sessions, several at a time.
func (c *ioChild) many(_ context.Context, n int, f func(n int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, 16)
	first := c.last + 1
	c.last += n
	for w := range errs {
		wg.Go(func() {
			for i := first + w; i <= c.last && errs[w] == nil; i += len(errs) {
				errs[w] = f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (c *ioChild) reap(ctx context.Context) {
	reapable, ok := session.As[session.Reapable](c.store)
	if !ok {
		return
	}
	for range 3 {
		c.do(deed{Op: "reap"}, func(e *deed) (err error) {
			e.Value, err = reapable.Reap(ctx)
			return err
		})
		c.saveAll(ctx)
	}
}

// backup makes backups while others save.
func (c *ioChild) backup(ctx context.Context) {
	store, ok := session.As[*session.BoltStore](c.store)
	if !ok {
		return
	}
	for range 3 {
		var wg sync.WaitGroup
		wg.Go(func() { c.saveAll(ctx) })
		c.do(deed{Op: "backup"}, func(*deed) error { return store.Backup(ctx, c.Path+".backup") })
		wg.Wait()
		c.look(ctx)
	}
}

func (c *ioChild) compact(ctx context.Context) {
	store, ok := session.As[*session.BoltStore](c.store)
	if !ok {
		return
	}
	for range 3 {
		c.do(deed{Op: "compact"}, func(*deed) error { return store.Compact(ctx) })
		c.rounds(ctx, 1)
	}
}

// snapshot has a listing and a backup under way while a sync fails, and many saves after that.
func (c *ioChild) snapshot(ctx context.Context) {
	lists, ok := session.As[lister](c.store)
	if !ok {
		return
	}
	next, stop := iter.Pull2(lists.All(ctx))
	defer stop()
	info, err, _ := next() // the listing has begun
	var wg sync.WaitGroup
	if store, ok := session.As[*session.BoltStore](c.store); ok {
		wg.Go(func() {
			c.do(deed{Op: "backup"}, func(*deed) error { return store.Backup(ctx, c.Path+".backup") })
		})
	}
	c.manySaves(ctx, c.Saves)
	wg.Wait()
	c.do(deed{Op: "snapshot"}, func(e *deed) error {
		for more := true; more && err == nil; info, err, more = next() {
			if n := c.numberOf(info.ID); n > 0 {
				e.IDs = append(e.IDs, n)
			}
		}
		return err
	})
}

// manySaves saves the slots until n saves were acknowledged.
func (c *ioChild) manySaves(ctx context.Context, n int) {
	start := time.Now()
	for done := 0; done < n && time.Since(start) < recoverWithin; {
		before := done
		for i, s := range c.slots {
			if s != nil && c.save(ctx, c.ids[i], s) == nil {
				done++
			}
		}
		if done == before {
			time.Sleep(10 * time.Millisecond)
		}
	}
}
