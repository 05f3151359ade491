//go:build unix

package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// socket is a Unix socket that is listened on.
type socket struct {
	path     string
	info     os.FileInfo // of the file when it was made
	listener *net.UnixListener
}

// maxPath is how long the path of a socket may be on this system.
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// listen makes a socket at path and listens on it. A socket file gets its mode from the umask,
// which is the whole process's and cannot be set for one file, and whoever gets at it between bind
// and chmod is connected for good. So it is made, with its final mode and listening, in a directory
// that nobody else can enter, and then moved to its place in one step; what is stale there goes in
// the same.
func listen(path string) (*socket, error) {
	if err := checkVacant(path); err != nil {
		return nil, err
	}
	dir := strings.TrimSuffix(path, ".sock") + ".s" // so that the way through it is no longer than path
	made := dir + "/s"
	if n := max(len(made), len(path)); n > maxPath {
		return nil, fmt.Errorf("the path is too long for a socket by %d bytes: use a shorter one for the store", n-maxPath)
	}
	sweep(dir, made) // what a crash left behind
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory for socket: %w", err)
	}
	defer sweep(dir, made)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("make socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // it would remove by name whatever is there by then
	info, err := publish(made, path)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("make socket: %w", err)
	}
	return &socket{path, info, l}, nil
}

// publish gives a socket its mode and its place.
func publish(made, path string) (os.FileInfo, error) {
	if err := os.Chmod(made, 0o600); err != nil {
		return nil, err
	}
	info, err := os.Lstat(made)
	if err != nil {
		return nil, err
	}
	return info, os.Rename(made, path)
}

// sweep removes the directory that a socket is made in, if there is nothing in it but a socket.
func sweep(dir, made string) {
	if info, err := os.Lstat(made); err == nil && info.Mode()&os.ModeSocket != 0 {
		os.Remove(made)
	}
	if info, err := os.Lstat(dir); err == nil && info.IsDir() {
		os.Remove(dir)
	}
}

// checkVacant says why no socket can be put at path: something else is there, or one that is
// listened on.
func checkVacant(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSocket == 0 {
		return fmt.Errorf("there is something that is no socket: %w", fs.ErrExist)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("another process serves it: %w", fs.ErrExist)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("another process may serve it: %w: %w", fs.ErrExist, err)
}

// remove removes the socket if it is still the one that was made. The listener must be open yet:
// while it is, no other file can look the same.
func (s *socket) remove() error {
	info, err := os.Lstat(s.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, s.info) {
		return nil
	}
	if err == nil {
		err = os.Remove(s.path)
	}
	if err != nil {
		return fmt.Errorf("remove admin socket: %w", err)
	}
	return nil
}

// dialPause is the time between attempts at a server that has too many clients waiting.
const dialPause = 10 * time.Millisecond

// dial connects to a socket and makes sure whose it is.
func dial(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			return checked(conn)
		}
		if !errors.Is(err, syscall.EAGAIN) {
			return nil, dialError(path, err)
		}
		timer := time.NewTimer(dialPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// checked returns conn if the server is one that we talk to.
func checked(conn net.Conn) (net.Conn, error) {
	if err := checkServer(conn.(*net.UnixConn)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// dialError puts into words why there is no connection.
func dialError(path string, err error) error {
	switch {
	case len(path) > maxPath:
		return fmt.Errorf("%w: the path is too long for one", ErrNoSocket)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return ErrNoSocket
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTSOCK):
		return ErrStale
	case errors.Is(err, fs.ErrPermission):
		return ErrOtherUser
	}
	return err
}
