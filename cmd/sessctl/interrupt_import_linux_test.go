package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

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
