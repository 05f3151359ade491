package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/boltsession/session"
)

// largeStore is how many sessions the store has that commands are interrupted on: enough that
// they take a moment.
const largeStore = 20_000

// makeLarge makes a store in a new directory.
func makeLarge(t *testing.T, sessions int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sessions.db")
	if err := os.Chmod(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := session.Open(path, &session.BoltOptions{SyncEvery: time.Minute, Reap: session.Never, NoSocket: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for i := range sessions {
		s, err := store.Create(ctx, sha256.Sum256(binary.BigEndian.AppendUint32(nil, uint32(i))))
		if err == nil {
			err = errors.Join(s.Set("pad", strings.Repeat("x", 500)), store.Save(ctx, s))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// checkLarge checks that a store is sound, has so many sessions, and that nothing lies about.
func checkLarge(t *testing.T, path string, least, most int) {
	t.Helper()
	report, err := session.Check(context.Background(), path)
	if err != nil || report.Sessions < least || report.Sessions > most {
		t.Errorf("%s has %d sessions, want %d to %d, %v", path, report.Sessions, least, most, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.tmp*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

// temporaries tells of the temporary files in a directory as they come and go.
type temporaries struct{ come, gone chan string }

func watchTemporaries(t *testing.T, dir string) temporaries {
	t.Helper()
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	events := os.NewFile(uintptr(fd), "inotify")
	t.Cleanup(func() { events.Close() })
	if _, err := syscall.InotifyAddWatch(fd, dir, syscall.IN_CREATE|syscall.IN_DELETE|syscall.IN_MOVED_FROM); err != nil {
		t.Fatal(err)
	}
	w := temporaries{make(chan string, 1000), make(chan string, 1000)}
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := events.Read(buf)
			if err != nil {
				return
			}
			for b := buf[:n]; len(b) >= syscall.SizeofInotifyEvent; {
				mask, size := binary.NativeEndian.Uint32(b[4:]), int(binary.NativeEndian.Uint32(b[12:]))
				name := string(bytes.TrimRight(b[16:16+size], "\x00"))
				b = b[16+size:]
				switch {
				case !strings.Contains(name, ".tmp"):
				case mask&syscall.IN_CREATE != 0:
					w.come <- name
				default:
					w.gone <- name
				}
			}
		}
	}()
	return w
}

// interruptAtWork runs sessctl and interrupts it as soon as it, or the app, begins a temporary
// file. It returns when that file is gone.
func interruptAtWork(t *testing.T, w temporaries, args ...string) (interrupted bool) {
	t.Helper()
	var words strings.Builder
	cmd := exec.Command("sessctl", args...)
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case <-w.come:
		cmd.Process.Signal(os.Interrupt)
		err = <-ended
		<-w.gone
	case err = <-ended:
		if err != nil {
			t.Fatalf("%v ends with %v and says %q", args, err, words.String())
		}
		<-w.come
		<-w.gone
	}
	if err == nil {
		return false
	}
	if cmd.ProcessState.ExitCode() != exitFailed || words.String() != "sessctl: interrupted; the store is whole\n" {
		t.Fatalf("%v ends with %v and says %q", args, err, words.String())
	}
	return true
}

// tries is how often a command may be done before the interruption reaches it.
const tries = 20

// overFileAndApp runs a test on a store that no app has open, and on one that an app has.
func overFileAndApp(t *testing.T, test func(t *testing.T, path string), sessions int) {
	t.Run("file", func(t *testing.T) { test(t, makeLarge(t, sessions)) })
	t.Run("app", func(t *testing.T) {
		path := makeLarge(t, sessions)
		running, err := startApp(path)
		if err != nil {
			t.Fatal(err)
		}
		defer running.end(os.Kill)
		test(t, path)
	})
}

func TestInterruptBackup(t *testing.T) {
	overFileAndApp(t, func(t *testing.T, path string) {
		dir := filepath.Join(filepath.Dir(path), "backup")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		w := watchTemporaries(t, dir)
		for n := range tries {
			dest := filepath.Join(dir, fmt.Sprint(n, ".db"))
			if interruptAtWork(t, w, "backup", path, dest) {
				if _, err := os.Lstat(dest); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("there is something at %s, %v", dest, err)
				}
				checkLarge(t, path, largeStore, largeStore)
				return
			}
			checkLarge(t, dest, largeStore, largeStore)
		}
		t.Errorf("%d backups were done before the interruption", tries)
	}, largeStore)
}

func TestInterruptCompact(t *testing.T) {
	overFileAndApp(t, func(t *testing.T, path string) {
		w := watchTemporaries(t, filepath.Dir(path))
		for range tries {
			interrupted := interruptAtWork(t, w, "compact", path)
			checkLarge(t, path, largeStore, largeStore)
			if interrupted {
				return
			}
		}
		t.Errorf("%d compactions were done before the interruption", tries)
	}, largeStore)
}

// TestInterruptImport interrupts an import whose input goes on.
func TestInterruptImport(t *testing.T) {
	const sessions = 2000
	text, err := exec.Command("sessctl", "export", makeLarge(t, sessions)).Output()
	if err != nil {
		t.Fatal(err)
	}
	overFileAndApp(t, func(t *testing.T, path string) {
		cmd := exec.Command("sessctl", "import", path)
		var words strings.Builder
		cmd.Stderr = &words
		in, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		// What does not fit into the pipe and the reader has gone the way to the store.
		if _, err := io.Copy(in, bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		cmd.Process.Signal(os.Interrupt)
		err = cmd.Wait()
		said := regexp.MustCompile(`^sessctl: interrupted; at least (\d+) sessions stored, run it again to go on\n$`).FindStringSubmatch(words.String())
		if cmd.ProcessState.ExitCode() != exitFailed || said == nil {
			t.Fatalf("it ends with %v and says %q", err, words.String())
		}
		stored, err := strconv.Atoi(said[1])
		if err != nil || stored == 0 {
			t.Fatalf("nothing was stored: %q", words.String())
		}
		checkLarge(t, path, stored, sessions)

		// Again, and it goes on.
		cmd = exec.Command("sessctl", "import", path)
		cmd.Stdin = bytes.NewReader(text)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		checkLarge(t, path, sessions, sessions)
	}, 0)
}
