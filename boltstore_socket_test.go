//go:build unix

package session_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
)

// openServed opens a store that serves its socket, and returns its path.
func openServed(t *testing.T, log *slog.Logger) (*session.BoltStore, string) {
	t.Helper()
	path := filepath.Join(shortDir(t), "sessions.db")
	return openBolt(t, path, &session.BoltOptions{Reap: session.Never, Logger: log}), path
}

// dial returns a client of the store at path.
func dial(t *testing.T, path string) *admin.Client {
	t.Helper()
	client, err := admin.Dial(t.Context(), path+".sock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, client.Close()) })
	return client
}

// TestBoltStoreServesSocket: what is done through it is done to requests under way; the socket is
// this user's and goes with the store.
func TestBoltStoreServesSocket(t *testing.T) {
	store, path := openServed(t, quiet)
	id := putSession(t, store, "1", "ann")
	underWay := held(t, store, id)
	client := dial(t, path)
	info, err := os.Lstat(path + ".sock")
	must(t, err)
	if info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("the socket's mode is %v", info.Mode())
	}
	stats, err := client.Stats(t.Context())
	must(t, err)
	if stats.Path != path || stats.LiveSessions != 1 || !stats.Live {
		t.Errorf("%+v", stats)
	}
	if n, err := client.Destroy(t.Context(), id.String()); n != 1 || err != nil {
		t.Errorf("Destroy = %d, %v", n, err)
	}
	isDead(t, underWay)
	must(t, store.Close())
	if left := names(t, filepath.Dir(path)); len(left) != 1 {
		t.Errorf("Close leaves %q", left)
	}
	_, err = admin.Dial(t.Context(), path+".sock")
	wantErr(t, "Dial after Close", err, admin.ErrNoSocket)
	wantErr(t, "a client after Close", func() error { _, err := client.Length(t.Context()); return err }(), admin.ErrNoSocket)
}

// names returns what is in a directory.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestBoltStoreWithoutSocket: there are ways to have none, and none of them keeps Open from working.
func TestBoltStoreWithoutSocket(t *testing.T) {
	for name, tc := range map[string]struct {
		opts  session.BoltOptions
		spoil func(t *testing.T, dir string) (path string)
		warns string
	}{
		"NoSocket": {session.BoltOptions{NoSocket: true}, func(_ *testing.T, dir string) string { return dir + "/sessions.db" }, ""},
		"long path": {session.BoltOptions{}, func(t *testing.T, dir string) string {
			dir += "/" + strings.Repeat("x", 100)
			must(t, os.Mkdir(dir, 0o700))
			return dir + "/sessions.db"
		}, "too long for a socket"},
		"a file in its place": {session.BoltOptions{}, func(t *testing.T, dir string) string {
			must(t, os.WriteFile(dir+"/sessions.db.sock", []byte("mine"), 0o600))
			return dir + "/sessions.db"
		}, "no socket"},
		"another in its place": {session.BoltOptions{}, func(t *testing.T, dir string) string {
			l, err := net.Listen("unix", dir+"/sessions.db.sock")
			must(t, err)
			t.Cleanup(func() { l.Close() })
			return dir + "/sessions.db"
		}, "another process serves it"},
		"a file in its way": {session.BoltOptions{}, func(t *testing.T, dir string) string {
			must(t, os.WriteFile(dir+"/sessions.db.s", []byte("mine"), 0o600))
			return dir + "/sessions.db"
		}, "make directory for socket"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := shortDir(t)
			path := tc.spoil(t, dir)
			before := names(t, dir)
			var log bytes.Buffer
			tc.opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
			store, err := session.Open(path, &tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			putSession(t, store, "1", "ann")
			must(t, store.Close())
			if tc.warns == "" && log.Len() > 0 || !strings.Contains(log.String(), tc.warns) {
				t.Errorf("logged: %s", &log)
			}
			for _, name := range names(t, dir) {
				if filepath.Join(dir, name) != path && !strings.Contains(fmt.Sprint(before), name) {
					t.Errorf("%s was made", name)
				}
			}
		})
	}
}

// TestBoltStoreWithoutSocketInBubble: time passes in one.
func TestBoltStoreWithoutSocketInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, path := openServed(t, quiet)
		time.Sleep(time.Hour)
		if made := names(t, filepath.Dir(path)); len(made) != 1 {
			t.Errorf("%q were made", made)
		}
	})
}

// TestBoltStoreReplacesStaleSocket: a killed app leaves its socket behind.
func TestBoltStoreReplacesStaleSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "sessions.db")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path + ".sock", Net: "unix"})
	must(t, err)
	l.SetUnlinkOnClose(false)
	must(t, l.Close())
	_, err = admin.Dial(t.Context(), path+".sock")
	wantErr(t, "Dial of a stale one", err, admin.ErrStale)
	openBolt(t, path, &session.BoltOptions{Logger: quiet})
	if _, err := dial(t, path).Length(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBoltStoreLeavesReplacedSocket: at Close it removes its own only.
func TestBoltStoreLeavesReplacedSocket(t *testing.T) {
	store, path := openServed(t, quiet)
	must(t, os.Remove(path+".sock"))
	other, err := net.Listen("unix", path+".sock")
	must(t, err)
	defer other.Close()
	must(t, store.Close())
	if _, err := os.Lstat(path + ".sock"); err != nil {
		t.Errorf("another's socket is gone: %v", err)
	}
}

// TestBoltStoreClosesUnderRequests: a list that is read slowly does not keep the store open.
func TestBoltStoreClosesUnderRequests(t *testing.T) {
	store, path := openServed(t, quiet)
	fillSessions(t, store, 3000)
	client := dial(t, path)
	n := 0
	var failed error
	for _, err := range client.List(t.Context(), admin.Filter{}) {
		if failed = err; err == nil && n == 0 {
			must(t, store.Close())
		}
		n++
	}
	if failed == nil {
		t.Errorf("the list ended well after %d sessions", n)
	}
}

// fillSessions imports n sessions with a long user name.
func fillSessions(t *testing.T, store session.Store, n int) {
	t.Helper()
	b := session.NewAdminBackend(store)
	one := exported(t, store, b, "1")
	one.User = strings.Repeat("u", 255)
	many := make([]admin.Session, n)
	for i := range many {
		many[i] = one
		many[i].ID = session.TokenID(fmt.Sprint(i)).String()
	}
	stored, err := b.Import(t.Context(), false, many...)
	if stored != n || err != nil {
		t.Fatalf("imported %d, %v", stored, err)
	}
}

// TestBoltStoreSocketFlood: half-open clients and endless lines are let go one by one while saves go
// on, and leave nothing behind (RELIABILITY 22).
func TestBoltStoreSocketFlood(t *testing.T) {
	store, path := openServed(t, quiet)
	id := putSession(t, store, "1", "ann")
	var saves sync.WaitGroup
	ctx, enough := context.WithCancel(t.Context())
	for w := range 4 {
		s := held(t, store, id)
		saves.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				must(t, session.Key[int](fmt.Sprint("saver", w)).Set(s, i))
				must(t, s.Save(t.Context()))
			}
		})
	}
	var crowd []net.Conn
	line := bytes.Repeat([]byte("x"), 1<<20)
	var writers sync.WaitGroup
	for i := range 1000 {
		conn, err := net.Dial("unix", path+".sock")
		must(t, err)
		crowd = append(crowd, conn)
		if i%100 == 0 {
			writers.Go(func() { conn.Write(line) }) // until it is hung up on
		}
		if i%100 == 50 {
			io.WriteString(conn, "GET /v1/stats HTTP/1.1\r\nHost: x\r\n")
		}
	}
	if n, err := dial(t, path).Length(t.Context()); n != 1 || err != nil {
		t.Errorf("Length = %d, %v", n, err)
	}
	enough()
	saves.Wait()
	must(t, store.Close())
	writers.Wait()
	for i, conn := range crowd {
		if _, err := io.Copy(io.Discard, conn); err != nil && !isReset(err) {
			t.Errorf("client %d was not hung up on: %v", i, err)
		}
		conn.Close()
	}
}

func isReset(err error) bool {
	return strings.Contains(err.Error(), "reset by peer")
}
