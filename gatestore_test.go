package session

import (
	"context"
	"sync"
	"time"
)

// gateStore is a store of no package of ours over a MemoryStore: its next calls can be
// made to block, fail or panic, before or after their work is done. It has the five methods of
// Store and nothing else.
type gateStore struct {
	Store
	memory *MemoryStore

	mu    sync.Mutex
	calls map[string]int
	plans map[callOf]plan
}

// callOf is the n-th call of a verb, counted from 1.
type callOf struct {
	verb string
	n    int
}

// plan is what happens at a call.
type plan struct {
	before func(ctx context.Context) error // instead of the work, if it returns an error
	after  func(ctx context.Context) error // the answer, if it is an error
}

func newGateStore() *gateStore {
	m := NewMemoryStore(&MemoryOptions{ReapInterval: -1})
	return &gateStore{Store: m, memory: m, calls: make(map[string]int), plans: make(map[callOf]plan)}
}

// plan says what happens at the n-th call of verb from now from now.
func (g *gateStore) plan(verb string, n int, p plan) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.plans[callOf{verb, g.calls[verb] + n}] = p
}

// gate is where a call is held up.
type gate struct {
	reached chan struct{}
	opened  chan struct{}
	ctx     context.Context // of the call, once it is there
}

func (g *gate) hold(ctx context.Context) error {
	g.ctx = ctx
	close(g.reached)
	<-g.opened
	return nil
}

func newGate() *gate { return &gate{reached: make(chan struct{}), opened: make(chan struct{})} }

func (g *gate) wait() { <-g.reached }
func (g *gate) open() { close(g.opened) }

// block holds up the n-th call of verb from now before its work.
func (g *gateStore) block(verb string, n int) *gate {
	at := newGate()
	g.plan(verb, n, plan{before: at.hold})
	return at
}

// blockAfter holds up the n-th call of verb from now after its work, before it answers.
func (g *gateStore) blockAfter(verb string, n int) *gate {
	at := newGate()
	g.plan(verb, n, plan{after: at.hold})
	return at
}

// blockAndFail holds up the n-th call of verb from now, which then does nothing and returns err.
func (g *gateStore) blockAndFail(verb string, n int, err error) *gate {
	at := newGate()
	g.plan(verb, n, plan{before: func(ctx context.Context) error {
		at.hold(ctx)
		return err
	}})
	return at
}

// fail has the n-th call of verb from now do nothing and return err.
func (g *gateStore) fail(verb string, n int, err error) {
	g.plan(verb, n, plan{before: func(context.Context) error { return err }})
}

// failAfter has the n-th call of verb from now do its work and return err.
func (g *gateStore) failAfter(verb string, n int, err error) {
	g.plan(verb, n, plan{after: func(context.Context) error { return err }})
}

// errPanic is what a gateStore panics with.
const errPanic = "gateStore: planned panic"

// panicAfter has the n-th call of verb from now do its work and panic.
func (g *gateStore) panicAfter(verb string, n int) {
	g.plan(verb, n, plan{after: func(context.Context) error { panic(errPanic) }})
}

// count returns how often verb was called.
func (g *gateStore) count(verb string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls[verb]
}

func (g *gateStore) next(verb string) plan {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[verb]++
	return g.plans[callOf{verb, g.calls[verb]}]
}

func (g *gateStore) do(ctx context.Context, verb string, work func() error) error {
	p := g.next(verb)
	if p.before != nil {
		if err := p.before(ctx); err != nil {
			return err
		}
	}
	err := work()
	if p.after != nil {
		if err := p.after(ctx); err != nil {
			return err
		}
	}
	return err
}

func (g *gateStore) Get(ctx context.Context, id ID, components ...string) (s *Session, err error) {
	err = g.do(ctx, "Get", func() (err error) {
		s, err = g.Store.Get(ctx, id, components...)
		return err
	})
	return s, err
}

func (g *gateStore) Save(ctx context.Context, s *Session) error {
	return g.do(ctx, "Save", func() error { return g.Store.Save(ctx, s) })
}

func (g *gateStore) Destroy(ctx context.Context, id ID) error {
	return g.do(ctx, "Destroy", func() error { return g.Store.Destroy(ctx, id) })
}

func (g *gateStore) Close() error {
	return g.do(context.Background(), "Close", g.Store.Close)
}

// ableStore is a gateStore that can do what MemoryStore can: what is not gated is found through
// Unwrap.
type ableStore struct{ *gateStore }

func (a ableStore) Unwrap() Store { return a.memory }

func (a ableStore) Renew(ctx context.Context, s *Session, to ID) error {
	return a.do(ctx, "Renew", func() error { return a.memory.Renew(ctx, s, to) })
}

func (a ableStore) Touch(ctx context.Context, id ID, at time.Time) error {
	return a.do(ctx, "Touch", func() error { return a.memory.Touch(ctx, id, at) })
}
