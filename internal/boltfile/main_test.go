package boltfile_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

// childMode names the part that the test binary plays when a test runs it as another process.
const childMode = "BOLTFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	children := map[string]func([]string) error{
		"hold": holdChild, "read": readChild, "raw": rawChild, "commit": commitChild,
	}
	maps.Copy(children, platformChildren)
	if child, ok := children[os.Getenv(childMode)]; ok {
		if err := child(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child prepares a run of this binary in the given mode. It is killed when ctx ends.
func child(ctx context.Context, t testing.TB, mode string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = append(os.Environ(), childMode+"="+mode, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// holdChild keeps a file open until its standard input ends.
func holdChild(args []string) error {
	f, err := boltfile.Open(context.Background(), args[0], boltfile.Options{})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	return f.Close()
}

// readChild opens the files named on standard input, reads all of each, writes to it, and prints
// a line per file: an error, or the digest of what it read.
func readChild([]string) error {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		digest, err := readAndWrite(lines.Text())
		if err != nil {
			fmt.Println("error", err)
			continue
		}
		fmt.Println(digest)
	}
	return nil
}

func readAndWrite(path string) (string, error) {
	ctx := context.Background()
	f, err := boltfile.Open(ctx, path, boltfile.Options{Visit: checkSum})
	if err != nil {
		return "", err
	}
	digest, err := digestOf(f.DB())
	if err != nil {
		return "", err
	}
	if err := change(f.DB(), "written by the child"); err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	_, err = boltfile.Verify(ctx, path, checkSum)
	return digest, err
}

// rawChild opens and reads a file as a program without this package would.
func rawChild(args []string) error {
	db, err := bbolt.Open(args[0], 0o600, &bbolt.Options{Timeout: time.Second, NoFreelistSync: true})
	if err != nil {
		return nil // an error is what one hopes for
	}
	_, err = digestOf(db)
	return err
}
