package peer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/boltsession/session/bench/internal/peer"
)

// apps are the peers that keep sessions.
func apps() []string {
	return slices.DeleteFunc(peer.Names(), func(name string) bool {
		return name == peer.RawPut || name == peer.RawSync || name == peer.None
	})
}

func open(t *testing.T, name string, o peer.Options) peer.Peer {
	t.Helper()
	p, err := peer.Open(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fill(t *testing.T, p peer.Peer, from, n int, life time.Duration) []string {
	t.Helper()
	cookies, err := p.Fill(from, n, life)
	if err != nil || len(cookies) != n {
		t.Fatalf("filled %d of %d: %v", len(cookies), n, err)
	}
	return cookies
}

func do(t *testing.T, v *peer.Visit, route, cookie, want string) {
	t.Helper()
	if err := v.Do(route, cookie); err != nil {
		t.Fatal(err)
	}
	if got := v.Body(); got != want+"\n" {
		t.Fatalf("%s: got %q, want %q", route, got, want)
	}
}

// TestPeersDoTheSameWork: figures compare nothing else.
func TestPeersDoTheSameWork(t *testing.T) {
	for _, name := range apps() {
		t.Run(name, func(t *testing.T) {
			o := peer.Options{Dir: t.TempDir(), Shape: peer.Shape{Keys: 8, Parts: 2, Cart: 5000}, Hold: func() {}}
			p := open(t, name, o)
			cookies := append(fill(t, p, 0, 3, 0), fill(t, p, 3, 2, 0)...)
			v := peer.NewVisit(p)
			for _, cookie := range cookies {
				do(t, v, peer.Read, cookie, "1")
			}
			do(t, v, peer.Write, cookies[4], "2")
			do(t, v, peer.Parts, cookies[4], "3")
			do(t, v, peer.Cart, cookies[4], "4")
			do(t, v, peer.Hold, cookies[4], "4")
			do(t, v, peer.Read, cookies[0], "1")
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			if name == peer.Memstore {
				return
			}
			p = open(t, name, o)
			defer p.Close()
			v = peer.NewVisit(p)
			do(t, v, peer.Read, cookies[4], "4")
			do(t, v, peer.Leave, cookies[4], "0")
			if err := v.Do(peer.Read, cookies[4]); err == nil {
				t.Error("the session is there after it was left")
			}
		})
	}
}

func TestPeersRenew(t *testing.T) {
	for _, name := range apps() {
		if name == peer.Iris {
			continue // cannot
		}
		t.Run(name, func(t *testing.T) {
			p := open(t, name, peer.Options{Dir: t.TempDir(), Shape: peer.Shape{Keys: 8}})
			defer p.Close()
			v := peer.NewVisit(p)
			old, err := v.Begin(0)
			if err != nil {
				t.Fatal(err)
			}
			do(t, v, peer.SignIn, old, "1")
			renewed := v.Cookie()
			if renewed == "" || renewed == old {
				t.Fatalf("the cookie was %q and is %q", old, renewed)
			}
			do(t, v, peer.Write, renewed, "2")
			if err := v.Do(peer.Read, old); err == nil {
				t.Error("the old token still opens the session")
			}
		})
	}
}

// TestPeersReap: what has expired is deleted, and nothing else.
func TestPeersReap(t *testing.T) {
	type reaper interface {
		peer.Peer
		peer.Reaper
		peer.Walker
	}
	for _, name := range []string{peer.Ours, peer.SQLite, peer.Bolt} {
		t.Run(name, func(t *testing.T) {
			p := open(t, name, peer.Options{Dir: t.TempDir(), Shape: peer.Shape{Keys: 8}}).(reaper)
			defer p.Close()
			living := fill(t, p, 0, 3, 0)
			fill(t, p, 3, 5, time.Second)
			if n, err := p.Reap(); n != 0 || err != nil {
				t.Fatalf("reaped %d at once, %v", n, err)
			}
			<-time.After(1100 * time.Millisecond) // no peer but ours can have its clock set
			if n, err := p.Reap(); n != 5 || err != nil {
				t.Errorf("reaped %d, %v; want 5", n, err)
			}
			if n, err := p.All(); n != 3 || err != nil {
				t.Errorf("%d sessions, %v; want 3", n, err)
			}
			do(t, peer.NewVisit(p), peer.Read, living[0], "1")
		})
	}
}

func TestOursCalls(t *testing.T) {
	type all interface {
		peer.Peer
		peer.Lengther
		peer.Finder
		peer.Toucher
		peer.Saver
		peer.Clearer
		peer.Commits
	}
	p := open(t, peer.Ours, peer.Options{Dir: t.TempDir(), Shape: peer.Shape{Keys: 8}}).(all)
	defer p.Close()
	cookies := append(fill(t, p, 0, 15, 0), fill(t, p, 15, 5, 0)...)
	if n, err := p.Length(); n != 20 || err != nil {
		t.Errorf("length %d, %v", n, err)
	}
	if n, err := p.ByUser(peer.UserName(17)); n != 10 || err != nil {
		t.Errorf("a user has %d sessions, %v; want 10", n, err)
	}
	if err := p.Touch(cookies[0]); err != nil {
		t.Error(err)
	}
	before := p.Commits()
	for range 3 {
		if err := p.Save(2); err != nil {
			t.Error(err)
		}
	}
	if n := p.Commits() - before; n != 3 {
		t.Errorf("3 saves made %d commits", n)
	}
	do(t, peer.NewVisit(p), peer.Read, cookies[2], "4")
	if n, err := p.Clear(); n != 20 || err != nil {
		t.Errorf("cleared %d, %v", n, err)
	}
}
