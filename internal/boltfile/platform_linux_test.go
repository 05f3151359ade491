package boltfile_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

var platformChildren = map[string]func([]string) error{"limit": limitChild}

// The message of a locked file names who has it: another process, or this one.
func TestLockedHolder(t *testing.T) {
	path := newStore(t, 10)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := child(ctx, t, "hold", path)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	mustNameHolder(t, path, cmd.Process.Pid)
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	f := open(t, path, boltfile.Options{})
	mustNameHolder(t, path, os.Getpid())
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func mustNameHolder(t *testing.T, path string, pid int) {
	t.Helper()
	_, err := boltfile.Open(t.Context(), path, boltfile.Options{Timeout: time.Millisecond})
	var locked *boltfile.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("Open = %v, want a LockedError", err)
	}
	if want := fmt.Sprintf("pid %d (", pid); !strings.HasPrefix(locked.Holder, want) {
		t.Errorf("holder = %q, want %q…", locked.Holder, want)
	}
	if own := pid == os.Getpid(); locked.Own != own {
		t.Errorf("Own = %v, want %v", locked.Own, own)
	}
}

func TestLockPID(t *testing.T) {
	const locks = `1: POSIX  ADVISORY  WRITE 11 08:02:131 0 EOF
2: FLOCK  ADVISORY  WRITE 12 08:02:132 0 EOF
2: -> FLOCK  ADVISORY  WRITE 13 08:02:131 0 EOF
3: FLOCK  ADVISORY  READ 14 fe:01:131 0 EOF
4: FLOCK  ADVISORY  WRITE 15 08:02:131 0 EOF
5: FLOCK  ADVISORY  WRITE -1 08:02:135 0 EOF
6: FLOCK  ADVISORY  WRITE 16 00:1c:140 0 EOF
7: FLOCK  ADVISORY  WRITE 17 00:1c:141 0 EOF
8: FLOCK  ADVISORY  WRITE 18 00:1d:141 0 EOF
what is this?
`
	const dev = 8<<8 | 2
	for ino, want := range map[uint64]int{
		131: 15, // a flock, on this device, not one that waits
		132: 12,
		135: -1,
		140: 16, // on a layered file system
		141: 0,  // which of the two?
		150: 0,
	} {
		if got := boltfile.LockPID(strings.NewReader(locks), dev, ino); got != want {
			t.Errorf("holder of inode %d = %d, want %d", ino, got, want)
		}
	}
}

func TestJudgeFS(t *testing.T) {
	tests := []struct {
		kind  uint32
		want  error
		warns int
	}{
		{0x6969, boltfile.ErrNetworkFS, 0},
		{0xFF534D42, boltfile.ErrNetworkFS, 0},
		{0xFE534D42, boltfile.ErrNetworkFS, 0},
		{0x65735546, nil, 1}, // FUSE
		{0xEF53, nil, 0},     // ext4
		{0x01021994, nil, 0}, // tmpfs
	}
	for _, tt := range tests {
		warns := 0
		err := boltfile.JudgeFS("/somewhere", tt.kind, func(string) { warns++ })
		if !errors.Is(err, tt.want) || warns != tt.warns {
			t.Errorf("file system %#x: %v and %d warnings, want %v and %d", tt.kind, err, warns, tt.want, tt.warns)
		}
	}
}

// A file that may not grow is full, not damaged: nothing is lost and deletes go on.
func TestFileSizeLimit(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	path := newStore(t, 500)
	out, err := child(ctx, t, "limit", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if _, err := boltfile.Verify(t.Context(), path, checkSum); err != nil {
		t.Error(err)
	}
}

// limitChild grows a file against a limit of the system.
func limitChild(args []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	f, err := boltfile.Open(context.Background(), args[0], boltfile.Options{})
	if err != nil {
		return err
	}
	before, err := digestOf(f.DB())
	if err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 2 << 20, Max: 2 << 20}); err != nil {
		return err
	}
	err = f.DB().Update(func(tx *bbolt.Tx) error {
		return put(tx, []byte("big"), make([]byte, 8<<20), "sessions", "global")
	})
	if !boltfile.IsFull(err) || boltfile.IsUncertain(err) {
		return fmt.Errorf("Update = %v: full %v, uncertain %v", err, boltfile.IsFull(err), boltfile.IsUncertain(err))
	}
	after, err := digestOf(f.DB())
	if err != nil || before != after {
		return fmt.Errorf("content before %s, after %s, %v", before, after, err)
	}
	err = f.DB().Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("sessions")).Bucket([]byte("global")).Delete(sessionKey(1))
	})
	return errors.Join(err, f.Close())
}
