package boltfile_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
)

// The full figure of RELIABILITY 9 is: go test -run DamagedFiles ./internal/boltfile -damage 500
var perKind = flag.Int("damage", 25, "damaged files to try per kind of damage")

// damages are the ways in which disks and copying programs spoil a file.
var damages = []struct {
	name string
	do   func(rng *rand.Rand, im image) image
}{
	{"cut anywhere", func(rng *rand.Rand, im image) image { return im[:rng.IntN(len(im))] }},
	{"cut at a page", func(rng *rand.Rand, im image) image { return im[:anyPage(rng, im)*pageSize] }},
	{"bit in data", func(rng *rand.Rand, im image) image {
		return flip(rng, im, int(anyPage(rng, im)*pageSize)+16, int(pageSize)-16)
	}},
	{"bit in page header", func(rng *rand.Rand, im image) image {
		return flip(rng, im, int(anyPage(rng, im)*pageSize), 16)
	}},
	{"bit in meta page", func(rng *rand.Rand, im image) image {
		return flip(rng, im, rng.IntN(2)*int(pageSize), 80)
	}},
	{"page of zeros", func(rng *rand.Rand, im image) image {
		clear(im[anyPage(rng, im)*pageSize:][:pageSize])
		return im
	}},
	{"page of noise", func(rng *rand.Rand, im image) image {
		return noise(rng, im, int(anyPage(rng, im)*pageSize), int(pageSize))
	}},
	{"pages swapped", func(rng *rand.Rand, im image) image {
		a, b := im[anyPage(rng, im)*pageSize:][:pageSize], im[anyPage(rng, im)*pageSize:][:pageSize]
		old := bytes.Clone(a)
		copy(a, b)
		copy(b, old)
		return im
	}},
	{"sector of noise", func(rng *rand.Rand, im image) image {
		return noise(rng, im, rng.IntN(len(im)/512)*512, 512)
	}},
}

func anyPage(rng *rand.Rand, im image) uint64 { return rng.Uint64N(uint64(len(im)) / pageSize) }

func flip(rng *rand.Rand, im image, off, n int) image {
	im[off+rng.IntN(n)] ^= 1 << rng.IntN(8)
	return im
}

func noise(rng *rand.Rand, im image, off, n int) image {
	for i := range n {
		im[off+i] = byte(rng.Uint32())
	}
	return im
}

// damagedFiles writes n files per kind of damage to dir, of stores closed cleanly and not, and
// returns their paths. It also returns the digests of the last two commits.
func damagedFiles(t *testing.T, n int) (paths, digests []string) {
	t.Helper()
	path := newStore(t, 300)
	f := open(t, path, boltfile.Options{})
	for i := range 2 {
		if err := change(f.DB(), fmt.Sprint("commit ", i)); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, mustDigest(t, f))
	}
	if err := f.CloseDirty(); err != nil {
		t.Fatal(err)
	}
	unclean := mustRead(t, path)
	if err := open(t, path, boltfile.Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	bases := []image{trim(t, unclean), trim(t, mustRead(t, path))}
	rng := rand.New(rand.NewPCG(2, 3))
	for _, d := range damages {
		for i := range n {
			name := filepath.Join(t.TempDir(), fmt.Sprintf("%s %d.db", d.name, i))
			if err := os.WriteFile(name, d.do(rng, bytes.Clone(bases[i%2])), 0o600); err != nil {
				t.Fatal(err)
			}
			paths = append(paths, name)
		}
	}
	return paths, digests
}

// trim cuts off what bbolt allocated in advance, so that no damage is wasted on it.
func trim(t *testing.T, im image) image {
	_, _, _, pages := im.newest(t)
	return im[:pages*pageSize]
}

// RELIABILITY 9: whatever is done to the file, either Verify says what is wrong, or bbolt opens,
// reads and writes the file, and what it reads is what one of the last two commits wrote.
func TestDamagedFiles(t *testing.T) {
	n := *perKind
	if testing.Short() {
		n = 5
	}
	paths, digests := damagedFiles(t, n)
	var passed []string
	warned := make(map[string]bool)
	for _, path := range paths {
		before := mustRead(t, path)
		report, err := boltfile.Verify(t.Context(), path, checkSum)
		if !bytes.Equal(mustRead(t, path), before) {
			t.Errorf("%s: Verify changed the file", filepath.Base(path))
		}
		if err == nil {
			passed = append(passed, path)
			warned[path] = len(report.Warnings) > 0
		}
	}
	t.Logf("%d of %d files pass", len(passed), len(paths))
	if len(passed) == 0 || len(passed) > len(paths)/2 {
		t.Errorf("%d of %d damaged files pass", len(passed), len(paths))
	}
	for i, line := range readInChild(t, passed) {
		switch {
		case line == digests[1]:
		case line == digests[0] && warned[passed[i]]:
		default:
			t.Errorf("%s: passed, but then: %s", filepath.Base(passed[i]), line)
		}
	}
}

// readInChild opens, reads and writes the files in another process, and returns a line for each.
func readInChild(t *testing.T, paths []string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Duration(len(paths))*time.Second/5)
	defer cancel()
	cmd := child(ctx, t, "read")
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\n"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	lines := strings.Fields(strings.ReplaceAll(string(out), " ", "_"))
	if err != nil || len(lines) != len(paths) {
		t.Fatalf("child died at file %d of %d: %v\n%.2000s", len(lines), len(paths), err, stderr.String())
	}
	return lines
}

// The control: without the verifier some of these files end the process.
func TestDamagedFilesKillWithoutVerifier(t *testing.T) {
	paths, _ := damagedFiles(t, 6)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := child(ctx, t, "raw", newStore(t, 300)).Run(); err != nil {
		t.Fatalf("a sound file ended the process: %v", err)
	}
	died := 0
	for i := 0; i < len(paths) && died < 3; i++ {
		if err := child(ctx, t, "raw", paths[i]).Run(); err != nil {
			died++
		}
	}
	if died < 3 {
		t.Errorf("only %d of %d damaged files ended the process: this test shows nothing", died, len(paths))
	}
}
