//go:build (darwin || dragonfly || freebsd || linux || netbsd || openbsd) && !android

package boltfile_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
)

func TestOpenKinds(t *testing.T) {
	tests := []struct {
		name string
		make func(path string) error
	}{
		{"directory", func(path string) error { return os.Mkdir(path, 0o700) }},
		{"FIFO", func(path string) error { return syscall.Mkfifo(path, 0o600) }},
		{"socket", func(path string) error {
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
			if err == nil {
				l.SetUnlinkOnClose(false)
				l.Close()
			}
			return err
		}},
		{"symlink", func(path string) error {
			return errors.Join(os.WriteFile(path+".target", nil, 0o600), os.Symlink(path+".target", path))
		}},
		{"dangling symlink", func(path string) error { return os.Symlink("nowhere", path) }},
		{"device", func(path string) error { return os.Symlink("/dev/null", path) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			if err := tt.make(path); err != nil {
				t.Fatal(err)
			}
			if _, err := boltfile.Open(t.Context(), path, boltfile.Options{Init: fill(1)}); !errors.Is(err, boltfile.ErrKind) {
				t.Errorf("Open = %v, want ErrKind", err)
			}
			if _, err := boltfile.Verify(t.Context(), path, nil); !errors.Is(err, boltfile.ErrKind) {
				t.Errorf("Verify = %v, want ErrKind", err)
			}
		})
	}
}

func TestOpenPermissions(t *testing.T) {
	path := newStore(t, 10)
	for _, mode := range []os.FileMode{0o644, 0o640, 0o660, 0o602, 0o601} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := boltfile.Open(t.Context(), path, boltfile.Options{})
		if !errors.Is(err, boltfile.ErrPermission) || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("Open with mode %v = %v, want ErrPermission and what to do", mode, err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	dirs := []struct {
		mode  os.FileMode
		warns int
		want  error
	}{
		{0o700, 0, nil},
		{0o755, 0, nil},
		{0o775, 1, nil},
		{0o777, 0, boltfile.ErrPermission},
		{0o777 | os.ModeSticky, 0, nil},
	}
	for _, tt := range dirs {
		if err := os.Chmod(filepath.Dir(path), tt.mode); err != nil {
			t.Fatal(err)
		}
		var warnings []string
		f, err := boltfile.Open(t.Context(), path, boltfile.Options{Warn: func(msg string) { warnings = append(warnings, msg) }})
		if !errors.Is(err, tt.want) || len(warnings) != tt.warns {
			t.Errorf("Open in a directory of mode %v = %v with warnings %q", tt.mode, err, warnings)
		}
		if err == nil {
			f.Close()
		}
	}
}

func TestOwner(t *testing.T) {
	tests := []struct {
		uid, euid int
		perm      os.FileMode
		want      error
	}{
		{1000, 1000, 0o600, nil},
		{1000, 0, 0o600, nil}, // root
		{1000, 1001, 0o600, boltfile.ErrPermission},
		{0, 1001, 0o600, boltfile.ErrPermission},
		{1000, 1000, 0o400, nil},
		{1000, 0, 0o644, boltfile.ErrPermission},
	}
	for _, tt := range tests {
		if err := boltfile.JudgeOwner("x", tt.uid, tt.euid, tt.perm); !errors.Is(err, tt.want) {
			t.Errorf("owner %d, user %d, mode %v: %v, want %v", tt.uid, tt.euid, tt.perm, err, tt.want)
		}
	}
}

// Root may compact a user's store; the user must be able to open it afterwards.
func TestCompactKeepsOwner(t *testing.T) {
	path := newStore(t, 100)
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 12345, 12346); err != nil {
			t.Fatal(err)
		}
	}
	owner := func() string {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		st := info.Sys().(*syscall.Stat_t)
		return fmt.Sprint(st.Uid, " ", st.Gid, " ", info.Mode())
	}
	before := owner()
	compact, err := boltfile.Compact(t.Context(), open(t, path, boltfile.Options{}), boltfile.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer compact.Close()
	if after := owner(); after != before {
		t.Errorf("owner and mode = %s, want %s", after, before)
	}
}

// Temporary names must not confuse a store whose name looks like a pattern.
func TestOpenOddName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a [b]*?.db")
	if err := open(t, path, boltfile.Options{Init: fill(5)}).Close(); err != nil {
		t.Fatal(err)
	}
	mustBeAlone(t, filepath.Dir(path), "a [b]*?.db")
}
