package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Everything at once on few sessions: whatever the interleaving, nobody waits for ever, no entry
// is left (see newProxy), each call says one of what it may say, and what has ended stays so.
func TestProxyMixOfEverything(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // for a deadlock
	defer cancel()
	for _, kind := range []func(*testing.T) (*ProxyStore, *gateStore){newProxy, newPlainProxy} {
		p, g := kind(t)
		m := mixer{t: t, p: p, g: g, ended: map[ID]bool{}}
		for range 4 {
			m.ids = append(m.ids, stored(t, p, 0))
		}
		var wg sync.WaitGroup
		for seed := range uint64(8) {
			wg.Go(func() { m.run(ctx, rand.New(rand.NewPCG(seed, 0))) })
		}
		wg.Wait()
		for id := range m.ended {
			equal(t, "count of an ended session", countIn(t, g, id), -1)
		}
	}
}

type mixer struct {
	t *testing.T
	p *ProxyStore
	g *gateStore

	mu    sync.Mutex
	ids   []ID
	ended map[ID]bool
}

func (m *mixer) pick(r *rand.Rand) ID {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ids[r.IntN(len(m.ids))]
}

// replace notes that id has ended, and what takes its place.
func (m *mixer) replace(id, by ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended[id] = true
	for i := range m.ids {
		if m.ids[i] == id {
			m.ids[i] = by
		}
	}
}

func (m *mixer) run(ctx context.Context, r *rand.Rand) {
	for range 400 {
		id := m.pick(r)
		s, err := m.p.acquire(ctx, id, &request{})
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			m.t.Error(err)
			return
		}
		for range 1 + r.IntN(4) {
			if err := m.step(ctx, s, r); err != nil && !errors.Is(err, ErrNotFound) {
				m.t.Error(err)
			}
		}
		s.release()
	}
}

func (m *mixer) step(ctx context.Context, s *Session, r *rand.Rand) error {
	id := s.ID()
	switch n := r.IntN(40); {
	case n < 10:
		_, err := count.Update(s, func(n int) int { return n + 1 })
		return err
	case n < 20:
		return s.Save(ctx)
	case n < 24:
		return s.Reload(ctx)
	case n < 28:
		c, err := s.Component(ctx, "cart")
		if err != nil {
			return err
		}
		return count.Set(c, n)
	case n < 32:
		s.RemoveAll()
		s.Touch()
		return s.SetUser("ann")
	case n < 36:
		err := s.Renew(ctx)
		if err == nil && s.ID() != id {
			m.replace(id, s.ID())
		}
		return err
	case n < 37:
		if err := s.Regenerate(ctx); err != nil {
			return err
		}
		return m.started(ctx, s, id)
	case n < 38:
		if _, err := s.Destroy(ctx); err != nil {
			return err
		}
		return m.again(ctx, id)
	default:
		if err := m.p.Destroy(ctx, id); err != nil {
			return err
		}
		return m.again(ctx, id)
	}
}

// started stores the session that began with a regeneration.
func (m *mixer) started(ctx context.Context, s *Session, old ID) error {
	if err := label.Set(s, "begun"); err != nil {
		return err
	}
	err := s.Save(ctx)
	m.replace(old, s.ID())
	return err
}

// again stores another session in place of one that was destroyed.
func (m *mixer) again(ctx context.Context, old ID) error {
	s, err := m.p.Create(ctx, randomID())
	if err != nil {
		return err
	}
	err = s.Save(ctx)
	m.replace(old, s.ID())
	return err
}
