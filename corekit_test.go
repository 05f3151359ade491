package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	count Key[int]    = "count"
	label Key[string] = "label"
)

// newProxy returns a ProxyStore over g as a store with all optional interfaces. At the end of the test
// nothing may be left in its map.
func newProxy(t *testing.T) (*ProxyStore, *gateStore) {
	g := newGateStore()
	return proxyOver(t, ableStore{g}), g
}

// newPlainProxy is newProxy over a store without optional interfaces.
func newPlainProxy(t *testing.T) (*ProxyStore, *gateStore) {
	g := newGateStore()
	return proxyOver(t, g), g
}

func proxyOver(t *testing.T, store Store) *ProxyStore {
	p := NewProxyStore(func() (Store, error) { return store, nil }, &ProxyOptions{Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() {
		if n := entries(p); n != 0 {
			t.Errorf("%d entries are left in the map", n)
		}
	})
	return p
}

// eachKind runs a test over a store with all optional interfaces, and one without any.
func eachKind(t *testing.T, f func(t *testing.T, p *ProxyStore, g *gateStore)) {
	t.Run("able store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, g := newProxy(t)
			f(t, p, g)
		})
	})
	t.Run("plain store", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, g := newPlainProxy(t)
			f(t, p, g)
		})
	})
}

func entries(p *ProxyStore) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.live)
}

func randomID() ID { return TokenID(newToken()) }

// stored stores a session with a count and returns its ID.
func stored(t *testing.T, s Store, n int) ID {
	t.Helper()
	id := randomID()
	made, err := s.Create(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	must(t, count.Set(made, n))
	must(t, s.Save(t.Context(), made))
	return id
}

// acquire returns a handle that is released at the end of the test.
func acquire(t *testing.T, p *ProxyStore, id ID) *Session {
	t.Helper()
	s, release, err := p.Acquire(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return s
}

// request is the binding of a handle, in place of an exchange.
type request struct {
	mu     sync.Mutex
	create error  // what canCreate returns
	move   error  // what canMove returns
	renew  error  // what canRenew returns
	write  error  // what canWrite returns
	make   func() // in freshMeta
	events []string
	token  string // made in this request, the last
}

func (r *request) note(event string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
}

func (r *request) canWrite() error       { return r.write }
func (r *request) canCreate(*Meta) error { return r.create }
func (r *request) canMove() error        { return r.move }
func (r *request) canRenew() error       { return r.renew }
func (r *request) fresh() bool           { return r.token != "" }
func (r *request) keepNew() string       { r.note("kept"); return r.token }
func (r *request) moved(token string) {
	r.note("moved")
	r.token = token
}
func (r *request) begun(token string) {
	r.note("begun")
	r.token = token
}
func (r *request) ended()           { r.note("ended") }
func (r *request) discarded(string) { r.note("discarded") }

func (r *request) freshMeta() Meta {
	if r.make != nil {
		r.make()
	}
	return newMeta(time.Now(), DefaultMaxAge, DefaultLifetime)
}

// happened says what the handle told the request, in order.
func (r *request) happened() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.events, " ")
}

// bring returns the handle of a request that came with the token of a session.
func bring(t *testing.T, p *ProxyStore, id ID) (*Session, *request) {
	t.Helper()
	r := &request{}
	s, err := p.acquire(t.Context(), id, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.release)
	return s, r
}

// visit returns the handle of a request that came without a session.
func visit(t *testing.T, p *ProxyStore) (*Session, *request) {
	r := &request{token: newToken()}
	s := p.begin(TokenID(r.token), r.freshMeta(), r)
	t.Cleanup(s.release)
	return s, r
}

// pending is a call on a goroutine of its own.
type pending struct {
	t    *testing.T
	done chan error
}

func start(t *testing.T, f func() error) pending {
	p := pending{t, make(chan error, 1)}
	go func() {
		defer func() {
			if r := recover(); r != nil {
				p.done <- fmt.Errorf("panic: %v", r)
			}
		}()
		p.done <- f()
	}()
	return p
}

// waits fails the test if the call ends before something else happens. It needs a bubble.
func (p pending) waits() {
	p.t.Helper()
	synctest.Wait()
	select {
	case err := <-p.done:
		p.t.Fatalf("the call did not wait: %v", err)
	default:
	}
}

// gives fails the test if the call does not return want.
func (p pending) gives(want error) {
	p.t.Helper()
	wantErr(p.t, <-p.done, want)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func equalList(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// countIn returns the count that a store has under id, -1 if there is no session.
func countIn(t *testing.T, s Store, id ID) int {
	t.Helper()
	got, err := s.Get(context.Background(), id)
	if errors.Is(err, ErrNotFound) {
		return -1
	}
	must(t, err)
	n, _ := count.Get(got)
	return n
}

// isEnded fails the test unless the handle is one of a session that has ended, and still reads n.
func isEnded(t *testing.T, s *Session, n int) {
	t.Helper()
	select {
	case <-s.Done():
	default:
		t.Error("Done is not closed")
	}
	wantErr(t, count.Set(s, -5), ErrNotFound)
	wantErr(t, s.Save(t.Context()), ErrNotFound)
	got, _ := count.Get(s)
	equal(t, "what an ended handle reads", got, n)
}

// isAlive fails the test unless the handle can set and save.
func isAlive(t *testing.T, s *Session) {
	t.Helper()
	select {
	case <-s.Done():
		t.Error("Done is closed")
	default:
	}
	must(t, label.Set(s, "alive"))
	must(t, s.Save(t.Context()))
}

// panics fails the test if the call does not panic as a gateStore does.
func (p pending) panics() {
	p.t.Helper()
	if err := <-p.done; err == nil || !strings.Contains(err.Error(), errPanic) {
		p.t.Fatalf("the call did not panic: %v", err)
	}
}
