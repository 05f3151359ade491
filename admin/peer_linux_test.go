package admin_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"

	"github.com/boltsession/session/admin"
)

// otherUser calls f as another user, if this one may: as root. For any other it is the user
// himself, and false. The kernel knows users by thread; this one ends with f.
func otherUser(t *testing.T, f func()) (other bool) {
	uid := os.Geteuid()
	if other = uid == 0; other {
		uid = 65534
	}
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
	return other
}

// TestOtherUser: the kernel says who is at the other end, whatever the socket's mode lets in.
func TestOtherUser(t *testing.T) {
	dir := shortDir(t)
	must(t, os.Chmod(dir, 0o755))
	path := dir + "/x.sock"
	s, err := admin.Serve(path, &fake{}, quiet)
	must(t, err)
	var closed error
	other := otherUser(t, func() { _, closed = net.Dial("unix", path) })
	if errors.Is(closed, syscall.EACCES) != other {
		t.Errorf("mode 0600 gives another user (%v) %v", other, closed)
	}
	must(t, os.Chmod(path, 0o666))
	var answer []byte
	var dialErr error
	otherUser(t, func() {
		conn, err := net.Dial("unix", path)
		if err != nil {
			dialErr = err
			return
		}
		defer conn.Close()
		io.WriteString(conn, "GET /v1 HTTP/1.0\r\n\r\n")
		answer, _ = io.ReadAll(conn)
	})
	if dialErr != nil || (len(answer) == 0) != other {
		t.Errorf("another user (%v) is answered %q, %v", other, answer, dialErr)
	}
	must(t, s.Close())
}
