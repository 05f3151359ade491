//go:build unix

package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/boltsession/session/admin"
)

func TestServeRefuses(t *testing.T) {
	dir := shortDir(t)
	must(t, os.WriteFile(dir+"/file.sock", []byte("mine"), 0o600))
	must(t, os.Mkdir(dir+"/dir.sock", 0o700))
	_, live := serve(t, &fake{})
	for _, tc := range []struct {
		path string
		want error
		says string
	}{
		{dir + "/file.sock", fs.ErrExist, "no socket"},
		{dir + "/dir.sock", fs.ErrExist, "no socket"},
		{dir + "/none/x.sock", fs.ErrNotExist, ""},
		{live, fs.ErrExist, "another process serves it"},
		{dir + "/" + strings.Repeat("x", 200), nil, "too long"},
		{dir + "/" + strings.Repeat("x", 200) + ".sock", nil, "too long"},
	} {
		s, err := admin.Serve(tc.path, &fake{}, quiet)
		if s != nil || err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, %v", tc.path, s, err)
		}
	}
	if _, err := admin.Dial(t.Context(), live); err != nil {
		t.Errorf("the one that was there before: %v", err)
	}
	if text, err := os.ReadFile(dir + "/file.sock"); string(text) != "mine" {
		t.Errorf("the file now has %q, %v", text, err)
	}
}

// TestServeAfterCrash: whatever a crash leaves behind, at any step, is cleared away.
func TestServeAfterCrash(t *testing.T) {
	dir := shortDir(t)
	must(t, os.Mkdir(dir+"/x.s", 0o700))
	for _, left := range []string{"/x.s/s", "/x.sock"} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dir + left, Net: "unix"})
		must(t, err)
		l.SetUnlinkOnClose(false)
		must(t, l.Close())
	}
	s, err := admin.Serve(dir+"/x.sock", &fake{}, quiet)
	must(t, err)
	info, err := os.Lstat(dir + "/x.sock")
	must(t, err)
	if info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	must(t, s.Close())
	must(t, s.Close())
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// TestServeLeavesOthersFiles: only what can be its own is cleared away.
func TestServeLeavesOthersFiles(t *testing.T) {
	dir := shortDir(t)
	must(t, os.Mkdir(dir+"/x.s", 0o700))
	must(t, os.WriteFile(dir+"/x.s/s", []byte("mine"), 0o600))
	if _, err := admin.Serve(dir+"/x.sock", &fake{}, quiet); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(dir + "/x.s/s"); err != nil {
		t.Error(err)
	}
}

// TestCloseWaitsForRequests: what is nearly done is done.
func TestCloseWaitsForRequests(t *testing.T) {
	path := shortDir(t) + "/x.sock"
	begun := make(chan struct{})
	var closing sync.WaitGroup
	s, err := admin.Serve(path, &fake{n: 3, wait: func(context.Context) { close(begun) }}, quiet)
	must(t, err)
	client, err := admin.Dial(t.Context(), path)
	must(t, err)
	closing.Go(func() {
		<-begun
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if n, err := client.Clear(t.Context()); n != 3 || err != nil {
		t.Errorf("Clear = %d, %v", n, err)
	}
	closing.Wait()
}

// TestCloseEndsRequests that go on, with the reason, and does not wait for those that do not end.
func TestCloseEndsRequests(t *testing.T) {
	path := shortDir(t) + "/x.sock"
	begun, stubborn := make(chan struct{}, 2), make(chan struct{})
	calls := 0
	var mu sync.Mutex
	s, err := admin.Serve(path, &fake{err: context.Canceled, wait: func(ctx context.Context) {
		mu.Lock()
		calls++
		first := calls == 1
		mu.Unlock()
		begun <- struct{}{}
		<-ctx.Done()
		if !first {
			<-stubborn
		}
	}}, quiet)
	must(t, err)
	defer close(stubborn)
	client, err := admin.Dial(t.Context(), path)
	must(t, err)
	errs := make(chan error, 2)
	ask := func() { _, err := client.Clear(t.Context()); errs <- err }
	go ask()
	<-begun
	go ask()
	<-begun
	must(t, s.Close())
	if err := <-errs; err == nil || err.Error() != "the store is being closed" || errors.Is(err, context.Canceled) {
		t.Errorf("the one that ends: %v", err)
	}
	if err := <-errs; !errors.Is(err, admin.ErrNoAnswer) {
		t.Errorf("the stubborn one: %v", err)
	}
}

// TestCrowd: clients that ask for nothing make room for one that does, however many there are; a
// long line does not get further than its first part; and all of them are gone at the end.
func TestCrowd(t *testing.T) {
	path := shortDir(t) + "/x.sock"
	s, err := admin.Serve(path, &fake{n: 3}, quiet)
	must(t, err)
	var crowd []net.Conn
	for range 200 {
		conn, err := net.Dial("unix", path)
		must(t, err)
		crowd = append(crowd, conn)
	}
	client, err := admin.Dial(t.Context(), path)
	must(t, err)
	if n, err := client.Length(t.Context()); n != 3 || err != nil {
		t.Errorf("Length = %d, %v", n, err)
	}
	for _, text := range []string{"GET /v1/", "GET /v1/length HTTP/1.1\r\nHost: x\r\nX: "} {
		conn, err := net.Dial("unix", path)
		must(t, err)
		crowd = append(crowd, conn)
		var wg sync.WaitGroup
		wg.Go(func() { conn.Write(append([]byte(text), bytes.Repeat([]byte("x"), 1<<20)...)) })
		answer, _ := io.ReadAll(conn)
		wg.Wait()
		if !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") {
			t.Errorf("a long line is answered %q", answer)
		}
	}
	must(t, s.Close())
	for _, conn := range crowd {
		if n, err := io.Copy(io.Discard, conn); n != 0 && err == nil {
			t.Errorf("a client that asked for nothing got %d bytes", n)
		}
		conn.Close()
	}
}

// TestFullHouse: while 16 requests are worked on, another one waits.
func TestFullHouse(t *testing.T) {
	const places = 16
	begun, let := make(chan struct{}, places+4), make(chan struct{})
	client, _ := serve(t, &fake{n: 3, wait: func(context.Context) {
		begun <- struct{}{}
		<-let
	}})
	var asking sync.WaitGroup
	for i := range places + 4 {
		asking.Go(func() {
			if n, err := client.Clear(t.Context()); n != 3 || err != nil {
				t.Errorf("Clear = %d, %v", n, err)
			}
		})
		if i < places {
			<-begun
		}
	}
	select {
	case <-begun:
		t.Error("more than 16 at a time")
	default:
	}
	close(let)
	asking.Wait()
}
