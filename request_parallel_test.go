package session_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/boltsession/session"
)

// stores are the stores that the tests below run over.
var stores = []struct {
	name  string
	each  int // increments of each client
	short int // under -short
	open  func(*testing.T) session.Store
}{
	{"memory", 1000, 20, func(*testing.T) session.Store { return session.NewMemoryStore(nil) }},
	{"bolt", 20, 2, func(t *testing.T) session.Store {
		store, err := session.Open(filepath.Join(t.TempDir(), "sessions.db"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}},
	{"in front of memory", 20, 20, func(*testing.T) session.Store { return watch(session.NewMemoryStore(nil)) }},
}

func eachStore(t *testing.T, f func(t *testing.T, store session.Store, each int)) {
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			store, each := s.open(t), s.each
			if testing.Short() {
				each = s.short
			}
			defer func() { must(t, store.Close()) }()
			f(t, store, each)
		})
	}
}

// 64 clients of one session increment one key 1,000 times each: 64,000.
func TestRequestParallelIncrements(t *testing.T) {
	const clients = 64
	eachStore(t, func(t *testing.T, store session.Store, each int) {
		v := newSite(t, store, session.Options{Fingerprint: session.FingerprintNone}).visitor()
		v.set(0)
		server := httptest.NewServer(v.m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := counter.Update(session.From(r), func(n int) int { return n + 1 }); err != nil {
				http.Error(w, err.Error(), 500)
			}
		})))
		defer server.Close()
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
		defer client.CloseIdleConnections()
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for range each {
					if !increment(t, client, server.URL, v.token) {
						return
					}
				}
			})
		}
		all.Wait()
		if n := storedCounter(t, store, v.token); n != clients*each {
			t.Errorf("counter is %d, want %d", n, clients*each)
		}
	})
}

func increment(t *testing.T, client *http.Client, url, token string) bool {
	r, err := http.NewRequest("POST", url, nil)
	if err != nil {
		t.Error(err)
		return false
	}
	r.AddCookie(&http.Cookie{Name: "sid", Value: token})
	res, err := client.Do(r)
	if err != nil {
		t.Error(err)
		return false
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Header["Set-Cookie"] != nil {
		t.Errorf("status %d, cookie %q", res.StatusCode, res.Header["Set-Cookie"])
		return false
	}
	return true
}

// storedCounter returns the counter as the store has it.
func storedCounter(t *testing.T, store session.Store, token string) int {
	t.Helper()
	s, err := store.Get(t.Context(), session.TokenID(token))
	if err != nil {
		t.Fatal(err)
	}
	n, _ := counter.Get(s)
	return n
}

// Two slow requests that write different keys and components both keep what they wrote.
func TestRequestParallelKeys(t *testing.T) {
	eachStore(t, func(t *testing.T, store session.Store, _ int) {
		v := newSite(t, store, session.Options{}).visitor()
		v.set(0)
		write := func(r *http.Request, key string) {
			must(t, session.From(r).Set(key, "mine"))
			must(t, session.From(r).Set("last", key))
			for _, name := range []string{"shared", "only " + key} {
				c, err := session.From(r).Component(r.Context(), name)
				must(t, err)
				must(t, c.Set(key, "mine"))
			}
		}
		v.visit(func(_ http.ResponseWriter, r *http.Request) {
			session.From(r)
			v.visit(func(_ http.ResponseWriter, r *http.Request) { // begins later, is over sooner
				write(r, "b")
			})
			write(r, "a")
		})
		s, err := store.Get(t.Context(), session.TokenID(v.token), "shared", "only a", "only b")
		if err != nil {
			t.Fatal(err)
		}
		for name, keys := range map[string][]string{"": {"a", "b"}, "shared": {"a", "b"}, "only a": {"a"}, "only b": {"b"}} {
			c, err := s.Component(t.Context(), name)
			must(t, err)
			for _, key := range keys {
				var got string
				if err := c.Get(key, &got); err != nil || got != "mine" {
					t.Errorf("component %q has %q under %s: %v", name, got, key, err)
				}
			}
		}
		var last string
		if must(t, s.Get("last", &last)); last != "a" {
			t.Errorf("the last to set was %q", last)
		}
	})
}

// Requests that load a session at once share one live state, and none loses the other's change
// while it is being saved.
func TestRequestParallelLoadAndSave(t *testing.T) {
	for _, verb := range []string{"get", "save"} {
		t.Run(verb, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := watch(session.NewMemoryStore(nil))
				v := newSite(t, store, session.Options{}).visitor()
				v.set(0)
				finish := make(chan struct{})
				store.on(func(_ context.Context, at string) error {
					if at == verb {
						<-finish
					}
					return nil
				})
				var all sync.WaitGroup
				for range 10 {
					all.Go(func() {
						v.visit(func(_ http.ResponseWriter, r *http.Request) {
							_, err := counter.Update(session.From(r), func(n int) int { return n + 1 })
							must(t, err)
						})
					})
				}
				synctest.Wait() // one is at the store, the others wait for it
				close(finish)
				all.Wait()
				if n := storedCounter(t, store, v.token); n != 10 {
					t.Errorf("counter is %d, want 10", n)
				}
			})
		})
	}
}
