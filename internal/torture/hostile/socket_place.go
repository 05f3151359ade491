//go:build linux

package hostile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

// staleSockets kills apps: the next one takes the socket's place.
func staleSockets(ctx context.Context, t *trial.Trial) error {
	dir, err := subdir(t)
	if err != nil {
		return err
	}
	n, path := t.Size(50, 5), socketIn(dir)
	for i := range n {
		a, err := startServed(ctx, t, dir, "bind", 1)
		if err != nil {
			return fmt.Errorf("after %d kills: %w", i, err)
		}
		who, err := process(ctx, path)
		if want := fmt.Sprintf("pid %d ", a.cmd.Process.Pid); err != nil || len(who) < len(want) || who[:len(want)] != want {
			t.Fail("after %d kills the socket is served by %q, not by %s: %v", i, who, want, err)
		}
		a.kill()
		if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSocket == 0 {
			return fmt.Errorf("the killed app left no socket: %w", err)
		}
	}
	t.Figure("stale sockets: %d apps killed, each next one has the socket%s", n, t.Unless())
	return nil
}

// liveSockets tries to serve sockets that are served.
func liveSockets(ctx context.Context, t *trial.Trial) error {
	dir, err := subdir(t)
	if err != nil {
		return err
	}
	a, err := startServed(ctx, t, dir, "replace", 1)
	if err != nil {
		return err
	}
	defer a.kill()
	path, n := socketIn(dir), t.Size(1000, 100)
	was, err := process(ctx, path)
	if err != nil {
		return err
	}
	stolen := steal(t, path, n)
	who, err := process(ctx, path)
	if stolen > 0 || who != was || err != nil {
		t.Fail("a live socket was stolen %d times in %d attempts; then %q serves it, not %q: %v", stolen, n, who, was, err)
	}
	t.Figure("live sockets: %d attempts to serve one, 4 at a time: %d succeeded", n, stolen)
	return a.stop()
}

// steal tries to serve a socket n times, and returns how often it could, or was refused for the
// wrong reason.
func steal(t *trial.Trial, path string, n int) int {
	backend := session.NewAdminBackend(session.NewMemoryStore(nil))
	var wg sync.WaitGroup
	var stolen atomic.Int64
	for range 4 {
		wg.Go(func() {
			for range n / 4 {
				thief, err := serveAt(t, path, backend)
				if err == nil {
					thief.Close()
				}
				if !errors.Is(err, fs.ErrExist) {
					stolen.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(stolen.Load())
}

// occupant is something that lies where the socket should be.
type occupant struct {
	name string
	make func(path, elsewhere string) error
}

var occupants = []occupant{
	{"a file", func(path, _ string) error { return os.WriteFile(path, []byte("mine"), 0o600) }},
	{"an empty file", func(path, _ string) error { return os.WriteFile(path, nil, 0o644) }},
	{"a directory", func(path, _ string) error { return os.Mkdir(path, 0o700) }},
	{"a pipe", func(path, _ string) error { return syscall.Mkfifo(path, 0o600) }},
	{"a link to a file", func(path, elsewhere string) error {
		return errors.Join(os.WriteFile(elsewhere, []byte("mine"), 0o600), os.Symlink(elsewhere, path))
	}},
	{"a hard link", func(path, elsewhere string) error {
		return errors.Join(os.WriteFile(elsewhere, []byte("mine"), 0o600), os.Link(elsewhere, path))
	}},
	{"a link to nothing", func(path, elsewhere string) error { return os.Symlink(elsewhere, path) }},
	{"a link to a directory", func(path, elsewhere string) error {
		return errors.Join(os.Mkdir(elsewhere, 0o700), os.Symlink(elsewhere, path))
	}},
	{"a link to itself", func(path, _ string) error { return os.Symlink(path, path) }},
	{"a link to a stale socket", func(path, elsewhere string) error {
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer syscall.Close(fd)
		return errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: elsewhere}), os.Symlink(elsewhere, path))
	}},
	{"where the socket is made, a link", func(path, elsewhere string) error {
		return errors.Join(os.Mkdir(elsewhere, 0o700), os.Symlink(elsewhere, path[:len(path)-len("ock")]))
	}},
	{"where the socket is made, a file", func(path, _ string) error {
		return os.WriteFile(path[:len(path)-len("ock")], []byte("mine"), 0o600)
	}},
}

// occupiedPlaces opens stores where something else is: it stays as it is, and the store works.
func occupiedPlaces(ctx context.Context, t *trial.Trial) error {
	touched := 0
	for i, o := range occupants {
		dir, elsewhere := filepath.Join(t.Dir, fmt.Sprint("o", i)), filepath.Join(t.Dir, fmt.Sprint("e", i))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		if err := o.make(socketIn(dir), elsewhere); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		before := listing(dir, elsewhere)
		if err := liveBeside(ctx, t, dir); err != nil {
			t.Fail("%s: %v", o.name, err)
		}
		os.Remove(filepath.Join(dir, "sessions.db"))
		if after := listing(dir, elsewhere); after != before {
			touched++
			t.Fail("%s:\n  before %s\n  after  %s", o.name, before, after)
		}
	}
	t.Figure("occupied places: %d kinds of files and links in the socket's place: %d touched, every store works", len(occupants), touched)
	return nil
}

// liveBeside opens a store in dir, saves and closes it.
func liveBeside(ctx context.Context, t *trial.Trial, dir string) error {
	store, err := session.Open(filepath.Join(dir, "sessions.db"), &session.BoltOptions{NoSocket: t.Broken, Logger: quietLog()})
	if err != nil {
		return err
	}
	defer store.Close()
	if t.Broken {
		if server, err := careless(socketIn(dir), true, session.NewAdminBackend(store)); err == nil {
			defer server.Close()
		}
	}
	_, err = (&saver{store: store}).add(ctx, "ann")
	return errors.Join(err, store.Close())
}

// listing tells all that can be seen of files.
func listing(paths ...string) (all string) {
	for _, path := range paths {
		filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
			info, statErr := os.Lstat(path)
			if err != nil || statErr != nil {
				return nil
			}
			content, _ := os.Readlink(path)
			if info.Mode().IsRegular() {
				data, _ := os.ReadFile(path)
				content = string(data)
			}
			if !info.IsDir() || info.Name()[0] != 'o' { // our own directory's time changes
				all += fmt.Sprintf("%s %v %d %v %q; ", info.Name(), info.Mode(), info.Sys().(*syscall.Stat_t).Ino, info.ModTime(), content)
			}
			return nil
		})
	}
	return all
}
