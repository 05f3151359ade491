package session

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

var (
	rekeyFile  = flag.String("rekey", "", "be the process that TestRekeyKilled kills: rekey this file")
	rekeyStand = flag.Int("rekey-stand", 0, "and stand still before this commit")
)

// TestRekeyKilled kills a process in the middle of a rekey, several times, and has the next one go
// on. The process says when it commits, and goes on for a few commits while the signal is on its
// way.
func TestRekeyKilled(t *testing.T) {
	if *rekeyFile != "" {
		rekeyChild(t)
		return
	}
	const n = 1000 // 16 chunks
	path := filledFile(t, nil, n)
	done := 0
	for _, commits := range []int{1, 2, 3} {
		killRekey(t, path, commits)
		b := openBoltAt(t, path, keyed(1)) // verifies the file
		checkSecrets(t, b, 0, n)
		b.Close()
		c := fileCovers(t, path, 1)
		if c[record.Current] < done+(commits-1)*reapChunk || c[record.Clear] == 0 || c[record.Current]+c[record.Clear] != 2*n {
			t.Fatalf("after %d commits: %v, and %d were done before", commits, c, done)
		}
		done = c[record.Current]
	}
	b := openBoltAt(t, path, keyed(1))
	rekeyed(t, b, RekeyReport{Records: 2 * n, Rewritten: 2*n - done})
	checkSecrets(t, b, 0, n)
}

// killRekey has another process rekey the file and kills it as it comes to a commit.
func killRekey(t *testing.T, path string, commits int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0],
		"-test.run=^TestRekeyKilled$", "-test.timeout=1m", "-rekey="+path, fmt.Sprint("-rekey-stand=", commits+3),
	)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range commits {
		if !lines.Scan() || lines.Text() != "commit" {
			t.Errorf("the process says %q", lines.Text())
			break
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the process was done before it was killed")
	}
}

// rekeyChild rekeys until it is killed.
func rekeyChild(t *testing.T) {
	opts, commits := keyed(1), 0
	opts.Reap = Never
	opts.commit = func(tx *bolt.Tx) error {
		fmt.Println("commit")
		if commits++; commits == *rekeyStand {
			select {}
		}
		return tx.Commit()
	}
	b, err := Open(*rekeyFile, opts)
	if err != nil {
		t.Fatal(err)
	}
	b.Rekey(t.Context())
	t.Fatal("nobody killed the process")
}
