//go:build linux

package hostile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/boltsession/session/internal/torture/trial"
)

// nobody is the other user.
const nobody = 65534

// attempts is what came of another user's.
type attempts struct {
	Reached  bool // the socket's directory
	Denied   int  // could not connect
	HungUp   int  // were connected and got nothing
	Answered int
}

// playStranger is the role of another user, who asks many times.
func playStranger(args []string) error {
	path := args[0]
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
		return err
	}
	_, err = os.Lstat(path)
	got := attempts{Reached: err == nil}
	for i := range n {
		conn, err := net.Dial("unix", path)
		if errors.Is(err, fs.ErrPermission) {
			got.Denied++
			continue
		}
		if err != nil {
			return err
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", []string{"/v1", "/v1/sessions", "/v1/stats"}[i%3])
		answer, _ := io.ReadAll(conn) // it may have hung up while we wrote
		conn.Close()
		if len(answer) > 0 {
			got.Answered++
		} else {
			got.HungUp++
		}
	}
	return json.NewEncoder(os.Stdout).Encode(got)
}

// askAsNobody has another user ask n times.
func askAsNobody(ctx context.Context, path string, n int) (got attempts, err error) {
	cmd, err := trial.Player(ctx, "hostile-stranger", path, strconv.Itoa(n))
	if err != nil {
		return got, err
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal(out, &got); err != nil {
		return got, err
	}
	if !got.Reached {
		return got, trial.Cannot("user %d cannot get at %s; set TMPDIR to a directory that everybody can pass", nobody, path)
	}
	return got, nil
}

// otherUsers asks as another user: the mode keeps them out, and when that is loosened the kernel's
// word on who they are does.
func otherUsers(ctx context.Context, t *trial.Trial) error {
	if os.Geteuid() != 0 {
		return trial.Cannot("only root can be another user")
	}
	dir, err := subdir(t)
	if err != nil {
		return err
	}
	a, err := startServed(ctx, t, dir, "bind", 10)
	if err != nil {
		return err
	}
	defer a.kill()
	path, n := socketIn(dir), t.Size(1000, 50)
	closed, err := askAsNobody(ctx, path, n)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return err
	}
	loosened, err := askAsNobody(ctx, path, n)
	if err != nil {
		return err
	}
	if closed.Denied != n || loosened.HungUp != n {
		t.Fail("user %d: with the socket's mode %d of %d are not let in; with mode 0666 %d are answered, %d hung up on", nobody, closed.Denied, n, loosened.Answered, loosened.HungUp)
	}
	who, err := process(ctx, path)
	if err != nil || who == "" {
		t.Fail("afterwards root is answered %q, %v", who, err)
	}
	t.Figure("other users: user %d asked %d times, %d not let in; with mode 0666 %d times, %d hung up on, %d answered", nobody, n, closed.Denied, n, loosened.HungUp, loosened.Answered)
	return a.stop()
}
