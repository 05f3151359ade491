package admin

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"syscall"
	"testing"
)

func TestCheckUsers(t *testing.T) {
	for _, tc := range []struct {
		client, server int
		ok             bool
	}{
		{1000, 1000, true}, {0, 0, true}, {0, 1000, true},
		{1000, 0, false}, {1000, 1001, false}, {65534, 1000, false}, {-1, 0, false},
	} {
		if err := checkUsers(tc.client, tc.server); tc.ok != (err == nil) || err != nil && !errors.Is(err, ErrOtherUser) {
			t.Errorf("client %d, server %d: %v", tc.client, tc.server, err)
		}
	}
}

// TestPeerUID: the kernel tells both ends who is at the other. Only root can be somebody else here.
func TestPeerUID(t *testing.T) {
	theirs := os.Geteuid()
	if theirs == 0 {
		theirs = 65534
	}
	dir, err := os.MkdirTemp("", "a")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var l *net.UnixListener
	var theirEnd, ourEnd *net.UnixConn
	addr := &net.UnixAddr{Name: dir + "/x.sock", Net: "unix"}
	asUser(t, theirs, func() { l, err = net.ListenUnix("unix", addr) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ourEnd, err = net.DialUnix("unix", nil, addr); err != nil {
		t.Fatal(err)
	}
	defer ourEnd.Close()
	if uid, err := peerUID(ourEnd); uid != theirs || err != nil {
		t.Errorf("the server is user %d, %v; want %d", uid, err, theirs)
	}
	if err := checkServer(ourEnd); err != nil {
		t.Errorf("root or the same user may talk to it: %v", err)
	}
	asUser(t, theirs, func() { theirEnd, err = net.DialUnix("unix", nil, addr) })
	if err != nil {
		t.Fatal(err)
	}
	defer theirEnd.Close()
	for _, want := range []int{os.Geteuid(), theirs} {
		conn, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		if uid, err := peerUID(conn); uid != want || err != nil {
			t.Errorf("the client is user %d, %v; want %d", uid, err, want)
		}
		if err := checkPeer(conn); (err == nil) != (want == os.Geteuid()) {
			t.Errorf("client of user %d: %v", want, err)
		}
		conn.Close()
	}
}

// asUser calls f on a thread of another user, which ends with it.
func asUser(t *testing.T, uid int, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked
		keep := ^uintptr(0)
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, keep, uintptr(uid), keep); errno != 0 {
			t.Errorf("become user %d: %v", uid, errno)
			return
		}
		f()
	}()
	<-done
}

// TestGone: whoever has closed is gone, whatever it sent before; who only has nothing more to send
// is not, and nothing of the stream is touched by asking.
func TestGone(t *testing.T) {
	ours, theirs := unixPair(t)
	defer ours.Close()
	if gone(ours) {
		t.Error("gone before it closes")
	}
	theirs.Write([]byte("request"))
	theirs.CloseWrite()
	if gone(ours) {
		t.Error("gone when it has sent all")
	}
	ours.Write([]byte("answer"))
	ours.CloseWrite()
	if answer, err := io.ReadAll(theirs); string(answer) != "answer" || err != nil {
		t.Errorf("it reads %q, %v", answer, err)
	}
	ours, theirs = unixPair(t)
	defer ours.Close()
	theirs.Write([]byte("request"))
	theirs.Close()
	if !gone(ours) {
		t.Error("not gone when it has closed")
	}
}

// TestNotedSkips: nothing is read for a client that has left; what it wanted changed is.
func TestNotedSkips(t *testing.T) {
	for _, tc := range []struct {
		method string
		gone   bool
		want   bool
	}{
		{"GET", false, true}, {"GET", true, false}, {"POST", true, true},
	} {
		ours, theirs := unixPair(t)
		c := &conn{UnixConn: ours}
		if tc.gone {
			theirs.Close()
		}
		served := false
		r := httptest.NewRequest(tc.method, "/", nil)
		r = r.WithContext(withConn(r.Context(), c))
		noted(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served = true })).ServeHTTP(httptest.NewRecorder(), r)
		if served != tc.want || !c.asked.Load() {
			t.Errorf("%s, gone %v: served %v, asked %v", tc.method, tc.gone, served, c.asked.Load())
		}
		ours.Close()
		theirs.Close()
	}
}
