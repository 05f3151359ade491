//go:build linux

package damage

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/boltsession/session"
)

// A thing is what somebody may find at a path instead of a store.
type thing struct {
	name  string
	make  func(dir string) (path string, undo func(), err error)
	want  string            // the kind of error, or kinds
	wants map[string]string // of some ways to open it; "-": is not tried
	uid   int               // of whoever opens it
}

// errNotHere: the thing cannot be made on this machine.
var errNotHere = errors.New("cannot be made here")

// nobody is a user who owns nothing.
const nobody = 65534

func sumOf(content []byte) uint64 { return crc64.Checksum(content, crc64.MakeTable(crc64.ECMA)) }

// at makes a thing under the usual name.
func at(f func(path string) error) func(string) (string, func(), error) {
	return func(dir string) (string, func(), error) {
		path := filepath.Join(dir, "sessions.db")
		return path, nil, f(path)
	}
}

// aStore makes a sound store, and then changes something about it.
func aStore(change func(path string) error) func(string) (string, func(), error) {
	return at(func(path string) error {
		store, err := session.Open(path, &session.BoltOptions{NoSocket: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			return err
		}
		return errors.Join(store.Close(), change(path))
	})
}

func mode(m os.FileMode) func(string) error {
	return func(path string) error { return os.Chmod(path, m) }
}

// readable: what only looks does not mind what others may do.
var readable = map[string]string{"check": "", "recover": "untyped|format"} // there is no session to be recovered

var things = []thing{
	{name: "an empty file", make: at(func(path string) error { return os.WriteFile(path, nil, 0o600) }), want: "format",
		wants: map[string]string{"move aside": "-"}},
	{name: "a text", make: at(func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte("buy milk\n"), 5000), 0o600) }), want: "format"},
	{name: "a short text", make: at(func(path string) error { return os.WriteFile(path, []byte("buy milk\n"), 0o600) }), want: "format"},
	{name: "a directory", make: at(func(path string) error { return os.Mkdir(path, 0o700) }), want: "format"},
	{name: "a FIFO", make: at(func(path string) error { return syscall.Mkfifo(path, 0o600) }), want: "format"},
	{name: "a socket", make: at(aSocket), want: "format"},
	{name: "a device", make: at(aDevice), want: "format"},
	{name: "a symbolic link to a store", make: aStore(asLink), want: "format"},
	{name: "a symbolic link to nothing", make: at(func(path string) error { return os.Symlink("nothing", path) }), want: "format"},
	{name: "a symbolic link to a device", make: at(func(path string) error { return os.Symlink("/dev/zero", path) }), want: "format"},
	{name: "a file that all may read", make: aStore(mode(0o644)), want: "permission", wants: readable},
	{name: "a file that its group may read", make: aStore(mode(0o640)), want: "permission", wants: readable},
	{name: "a file that all may write", make: aStore(mode(0o602)), want: "permission", wants: readable},
	{name: "a directory that all may write", make: aStore(func(path string) error { return os.Chmod(filepath.Dir(path), 0o777) }),
		want: "permission", wants: readable},
	{name: "another user's file", make: openTo(nobody), want: "permission", uid: nobody},
	{name: "a directory that is not there", make: func(dir string) (string, func(), error) { return filepath.Join(dir, "none", "sessions.db"), nil, nil }, want: "no file"},
	{name: "a file as directory", make: func(dir string) (string, func(), error) {
		return filepath.Join(dir, "file", "sessions.db"), nil, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600)
	}, want: "system"},
	{name: "too long a name", make: func(dir string) (string, func(), error) {
		return filepath.Join(dir, strings.Repeat("n", 300)), nil, nil
	}, want: "system"},
	{name: "a name with no room for another", make: func(dir string) (string, func(), error) {
		return filepath.Join(dir, strings.Repeat("n", 250)), nil, nil
	},
		want: "system", wants: map[string]string{"read only": "no file", "check": "no file", "recover": "no file"}},
	{name: "a file system that is read-only", make: readOnlySystem, want: "system",
		wants: map[string]string{"read only": "", "check": "", "recover": "system"}},
}

func aSocket(path string) error {
	// A socket's path can be no longer than 107 bytes, and this one's name may be.
	was, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(filepath.Dir(path)); err != nil {
		return err
	}
	defer os.Chdir(was)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Base(path)})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	return l.Close()
}

// aDevice makes one that gives zeros for ever.
func aDevice(path string) error {
	if err := syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|5); err != nil {
		return fmt.Errorf("%w: %w", errNotHere, err)
	}
	return nil
}

func asLink(path string) error {
	return errors.Join(os.Rename(path, path+".target"), os.Symlink(path+".target", path))
}

// openTo makes a store in a directory that a user can enter, and write to, but for the file.
func openTo(uid int) func(dir string) (string, func(), error) {
	return func(dir string) (string, func(), error) {
		if os.Getuid() != 0 {
			return "", nil, errNotHere
		}
		path, undo, err := aStore(func(path string) error { return nil })(dir)
		parent := filepath.Dir(dir)
		return path, undo, errors.Join(err, os.Chmod(parent, 0o711), os.Chown(dir, uid, uid))
	}
}

// readOnlySystem makes a store on a file system that it then mounts read-only.
func readOnlySystem(dir string) (string, func(), error) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=700"); err != nil {
		return "", nil, fmt.Errorf("%w: %w", errNotHere, err)
	}
	undo := func() { syscall.Unmount(dir, syscall.MNT_DETACH) }
	path, _, err := aStore(func(string) error {
		return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=4m,mode=700")
	})(dir)
	if err != nil {
		undo()
		return "", nil, err
	}
	return path, undo, nil
}
