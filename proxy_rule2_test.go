package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestProxyRule2HandlesShareOneState(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		a, b := acquire(t, p, id), acquire(t, p, id)
		if a == b {
			t.Fatal("two callers got one handle")
		}
		must(t, count.Set(a, 2))
		n, _ := count.Get(b)
		equal(t, "what the other handle reads", n, 2)
		must(t, b.Save(t.Context()))
		equal(t, "dirty", a.IsDirty(), false)
		equal(t, "loads", g.count("Get"), 1)
	})
}

func TestProxyRule2TwoFirstLoadsMakeOneState(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		at := g.block("Get", 1)
		var a, b *Session
		first := start(t, func() (err error) { a, err = p.acquire(t.Context(), id, nil); return err })
		at.wait()
		second := start(t, func() (err error) { b, err = p.acquire(t.Context(), id, nil); return err })
		second.waits()
		at.open()
		first.gives(nil)
		second.gives(nil)
		if a.state.Load() != b.state.Load() {
			t.Error("there are two live states")
		}
		equal(t, "loads", g.count("Get"), 1)
		a.release()
		b.release()
	})
}

// The placeholder has read the session when it is destroyed, and must not become one.
func TestProxyRule2DestroyKillsPlaceholder(t *testing.T) {
	ends := map[string]func(p *ProxyStore, g *gateStore, id ID) error{
		"through the proxy": func(p *ProxyStore, g *gateStore, id ID) error { return p.Destroy(context.Background(), id) },
		"in the store":      func(p *ProxyStore, g *gateStore, id ID) error { return g.memory.Destroy(context.Background(), id) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, g := newProxy(t)
				id := stored(t, p, 1)
				at := g.blockAfter("Get", 1)
				load := start(t, func() error { _, _, err := p.Acquire(t.Context(), id); return err })
				at.wait()
				wait := start(t, func() error { _, _, err := p.Acquire(t.Context(), id); return err })
				wait.waits()
				must(t, end(p, g, id))
				_, _, err := p.Acquire(t.Context(), id) // does not wait for the dead one
				wantErr(t, err, ErrNotFound)
				at.open()
				load.gives(ErrNotFound)
				wait.gives(ErrNotFound)
			})
		})
	}
}

func TestProxyRule2FirstClientsDisconnectFailsNobodyElse(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		at := g.block("Get", 1)
		ctx, disconnect := context.WithCancel(t.Context())
		first := start(t, func() error {
			_, release, err := p.Acquire(ctx, id)
			if err == nil {
				release()
			}
			return err
		})
		at.wait()
		second := start(t, func() error {
			_, release, err := p.Acquire(t.Context(), id)
			if err == nil {
				release()
			}
			return err
		})
		disconnect()
		second.waits()
		wantErr(t, at.ctx.Err(), nil)
		at.open()
		first.gives(nil)
		second.gives(nil)
	})
}

func TestProxyRule2WaitingClientMayGo(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		at := g.block("Get", 1)
		first := start(t, func() error {
			_, release, err := p.Acquire(t.Context(), id)
			if err == nil {
				release()
			}
			return err
		})
		at.wait()
		ctx, disconnect := context.WithCancel(t.Context())
		second := start(t, func() error { _, _, err := p.Acquire(ctx, id); return err })
		second.waits()
		disconnect()
		second.gives(context.Canceled)
		at.open()
		first.gives(nil)
		_, _, err := p.Acquire(ctx, id)
		wantErr(t, err, context.Canceled)
		equal(t, "loads", g.count("Get"), 1)
	})
}

func TestProxyRule2FailedLoadFailsOnlyThoseWhoWait(t *testing.T) {
	broken := errors.New("connection lost")
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		at := g.blockAndFail("Get", 1, broken)
		first := start(t, func() error { _, _, err := p.Acquire(t.Context(), id); return err })
		at.wait()
		second := start(t, func() error { _, _, err := p.Acquire(t.Context(), id); return err })
		second.waits()
		at.open()
		first.gives(broken)
		second.gives(broken)
		equal(t, "entries", entries(p), 0)
		n, _ := count.Get(acquire(t, p, id))
		equal(t, "count after the failed load", n, 1)
	})
}

func TestProxyRule2PanicOfALoadLeavesNoEntry(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		at := newGate()
		g.plan("Get", 1, plan{after: func(ctx context.Context) error {
			at.hold(ctx)
			panic(errPanic)
		}})
		first := start(t, func() error { _, _, err := p.Acquire(t.Context(), id); return err })
		at.wait()
		second := start(t, func() error { _, _, err := p.Acquire(t.Context(), id); return err })
		second.waits()
		at.open()
		first.panics()
		second.gives(errLoad)
		equal(t, "entries", entries(p), 0)
		acquire(t, p, id)
	})
}

func TestProxyRule2HitRechecksExpiry(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		time.Sleep(DefaultMaxAge - time.Nanosecond)
		isAlive(t, acquire(t, p, id))
		time.Sleep(time.Nanosecond)
		_, _, err := p.Acquire(t.Context(), id)
		wantErr(t, err, ErrNotFound)
		isEnded(t, s, 1)
		equal(t, "loads", g.count("Get"), 1)
	})
}

func TestProxyRule2WriteNoticesExpiry(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		s := acquire(t, p, stored(t, p, 1))
		time.Sleep(DefaultMaxAge)
		wantErr(t, count.Set(s, 2), ErrNotFound)
		isEnded(t, s, 1)
	})
}

func TestProxyRule2GetIsADetachedCopy(t *testing.T) {
	eachKind(t, func(t *testing.T, p *ProxyStore, g *gateStore) {
		id := stored(t, p, 1)
		s := acquire(t, p, id)
		must(t, count.Set(s, 2))
		equal(t, "count in a copy", countIn(t, p, id), 1)
		copied, err := p.Get(t.Context(), id)
		must(t, err)
		must(t, label.Set(copied, "copy"))
		must(t, copied.Save(t.Context()))
		must(t, s.Save(t.Context()))
		must(t, s.Reload(t.Context()))
		v, _ := label.Get(s)
		equal(t, "what the copy saved", v, "copy")
		equal(t, "what the handle saved", countIn(t, g, id), 2)
		was, err := copied.Destroy(t.Context())
		must(t, err)
		equal(t, "destroyed", was, true)
		isEnded(t, s, 2)
	})
}
