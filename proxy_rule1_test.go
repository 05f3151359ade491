package session

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

// opener is an open function whose n-th call can be made to fail; it counts.
type opener struct {
	calls int // guarded by the caller: a ProxyStore opens once at a time
	store Store
	errs  map[int]error
	hook  func()
}

func (o *opener) open() (Store, error) {
	o.calls++
	if o.hook != nil {
		o.hook()
	}
	if err := o.errs[o.calls]; err != nil {
		return nil, err
	}
	return o.store, nil
}

func TestProxyRule1OpensOnceUnderContention(t *testing.T) {
	inside, goOn := make(chan struct{}, 64), make(chan struct{})
	o := opener{store: NewMemoryStore(nil), hook: func() { inside <- struct{}{}; <-goOn }}
	p := NewProxyStore(o.open, nil)
	equal(t, "opened by NewProxyStore", o.calls, 0)

	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			if store, err := p.Store(); err != nil || store != o.store {
				t.Errorf("Store: %v, %v", store, err)
			}
		})
	}
	<-inside // one of them opens while the others come
	close(goOn)
	wg.Wait()
	equal(t, "opened", o.calls, 1)
}

func TestProxyRule1RetriesAFailedOpen(t *testing.T) {
	broken := errors.New("disk is gone")
	o := opener{store: NewMemoryStore(nil), errs: map[int]error{1: broken, 2: broken}}
	p := NewProxyStore(o.open, nil)
	_, err := p.Create(t.Context(), ID{})
	wantErr(t, err, broken)
	_, _, err = p.Acquire(t.Context(), ID{})
	wantErr(t, err, broken)
	_, err = p.Get(t.Context(), ID{})
	wantErr(t, err, ErrNotFound)
	equal(t, "opened", o.calls, 3)
}

func TestProxyRule1RetriesAnOpenThatPanicked(t *testing.T) {
	o := opener{store: NewMemoryStore(nil)}
	o.hook = func() {
		if o.calls == 1 {
			panic(errPanic)
		}
	}
	p := NewProxyStore(o.open, nil)
	start(t, func() error { _, err := p.Store(); return err }).panics()
	must(t, p.Destroy(t.Context(), ID{}))
	equal(t, "opened", o.calls, 2)
}

func TestProxyRule1EachVerbOpensAndSaysWhyNot(t *testing.T) {
	broken := errors.New("disk is gone")
	p := NewProxyStore(func() (Store, error) { return nil, broken }, nil)
	_, err := p.Get(t.Context(), ID{})
	wantErr(t, err, broken)
	wantErr(t, p.Destroy(t.Context(), ID{}), broken)
	wantErr(t, p.Save(t.Context(), NewSession(nil, ID{}, Meta{})), broken)
	if _, ok := As[Lister](p); ok {
		t.Error("a store that cannot be opened can list")
	}

	p = NewProxyStore(func() (Store, error) { return nil, nil }, nil)
	if _, err := p.Store(); err == nil {
		t.Error("an open function that returns no store and no error is no error")
	}
}

func TestProxyRule1NilOpenIsAMemoryStore(t *testing.T) {
	store, err := NewProxyStore(nil, nil).Store()
	must(t, err)
	if _, ok := store.(*MemoryStore); !ok {
		t.Errorf("got a %T", store)
	}
}

func TestProxyRule1CloseNeverOpens(t *testing.T) {
	o := opener{store: NewMemoryStore(nil)}
	p := NewProxyStore(o.open, nil)
	must(t, p.Close())
	must(t, p.Close())
	_, err := p.Store()
	wantErr(t, err, ErrClosed)
	equal(t, "opened", o.calls, 0)
}

// What a store's Close waits for may be a run of the reaper that tells an observer that asks for
// the store.
func TestProxyRule1CloseHoldsNoLockThatItsWorkNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGateStore()
		p := proxyOver(t, g)
		_, err := p.Store()
		must(t, err)
		at := g.block("Close", 1)
		closing := start(t, p.Close)
		at.wait()
		free := p.openMu.TryLock() // else the next line would never return
		if !free {
			at.open()
			t.Fatal("Close holds the lock")
		}
		p.openMu.Unlock()
		_, err = p.Store()
		wantErr(t, err, ErrClosed)
		at.open()
		closing.gives(nil)
		_, err = p.Create(t.Context(), ID{})
		wantErr(t, err, ErrClosed)
	})
}
