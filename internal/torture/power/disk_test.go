//go:build linux

package power

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// replayed reads a trace without times and threads: each line begins with the thread.
func replayed(t *testing.T, lines string) *recording {
	t.Helper()
	var trace strings.Builder
	for line := range strings.Lines(lines) {
		thread, call, _ := strings.Cut(strings.TrimSpace(line), " ")
		trace.WriteString(thread + " 100.1 " + call + "\n")
	}
	rec, err := newRecording(strings.NewReader(trace.String()), "/d", "/story", nil)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// at returns the disk at a line, and an image of it with nothing or all of what was not synced.
func (r *recording) at(line int, odds float64) *image {
	d := newDisk(r.effects, r.ignoreSyncs)
	d.advance(line)
	return d.cut(&fate{kind: fateWrites, odds: odds, rand: rand.New(rand.NewPCG(1, 1))})
}

// text returns what a file of an image holds, "-" if there is none.
func (img *image) text(name string) string {
	ino, ok := img.names[name]
	if !ok {
		return "-"
	}
	return string(img.files[ino])
}

const traced = `1 openat(AT_FDCWD, "/d/tmp", O_RDWR|O_CREAT|O_EXCL, 0600) = 3
	1 pwrite64(3, "aaaa", 4, 0) = 4
	1 fdatasync(3 <unfinished ...>
	2 pwrite64(3, "bb", 2, 0) = 2
	1 <... fdatasync resumed>) = 0
	1 renameat(AT_FDCWD, "/d/tmp", AT_FDCWD, "/d/file") = 0
	1 openat(AT_FDCWD, "/d", O_RDONLY) = 4
	1 fsync(4) = 0
	1 close(4) = 0
	1 openat(AT_FDCWD, "/elsewhere", O_RDWR) = 4
	1 write(4, "nothing of ours", 15) = 15
	1 ftruncate(3, 6) = 0
	1 fsync(3) = 0
	1 unlinkat(AT_FDCWD, "/d/file", 0) = 0`

func TestReplay(t *testing.T) {
	rec := replayed(t, traced)
	for _, test := range []struct {
		line             int
		name, none, most string // what the file holds if nothing, or all, survives that was not synced
	}{
		{1, "/d/tmp", "-", "-"},
		{2, "/d/tmp", "-", ""},
		{3, "/d/tmp", "-", "aaaa"},
		{5, "/d/tmp", "-", "bbaa"},
		{8, "/d/tmp", "-", "-"},
		{8, "/d/file", "-", "bbaa"},
		{9, "/d/file", "aaaa", "bbaa"}, // the second write began when the sync had
		{9, "/d/tmp", "-", "-"},
		{13, "/d/file", "aaaa", "bbaa\x00\x00"},
		{14, "/d/file", "bbaa\x00\x00", "bbaa\x00\x00"},
		{15, "/d/file", "bbaa\x00\x00", "-"},
	} {
		for odds, want := range map[float64]string{0: test.none, 1: test.most} {
			if got := rec.at(test.line, odds).text(test.name); got != want {
				t.Errorf("line %d, odds %v: %s holds %q, want %q", test.line, odds, test.name, got, want)
			}
		}
	}
	rec.ignoreSyncs = true
	if got := rec.at(14, 0).text("/d/file"); got != "" {
		t.Errorf("a disk that ignores syncs holds %q", got)
	}
}

func TestReplayRefuses(t *testing.T) {
	for _, call := range []string{
		`1 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3, 0) = 0x7f00`,
		`1 fallocate(3, FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE, 0, 100) = 0`,
		`1 dup(3) = 5`,
		`1 rename("/d/tmp", "/d/file") = 0`,
		`1 openat(AT_FDCWD, "/d/tmp", O_RDWR|O_TRUNC) = 5`,
	} {
		first, _, _ := strings.Cut(traced, "\n")
		trace := strings.ReplaceAll(first+"\n"+call+"\n", "1 ", "1 100.1 ")
		if _, err := newRecording(strings.NewReader(trace), "/d", "/story", nil); err == nil {
			t.Errorf("%s: no error", call)
		}
	}
}

// A torn write leaves whole sectors, of either time.
func TestTear(t *testing.T) {
	ino := &inode{}
	d := newDisk([]*effect{
		{begin: 1, end: 1, ino: ino, data: bytes.Repeat([]byte{'a'}, 3*sector)},
		{begin: 2, end: 2, ino: ino, change: syncFile},
		{begin: 3, end: 3, ino: ino, off: 100, data: bytes.Repeat([]byte{'b'}, 2*sector)},
	}, false)
	d.names["/d/file"] = ino
	d.advance(4)
	seen := make(map[string]bool)
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		data := d.cut(&fate{kind: fateSectors, odds: 0.5, rand: r}).text("/d/file")
		if len(data) != 3*sector || strings.Count(data[:100]+data[100+2*sector:], "a") != sector {
			t.Fatalf("bytes beside the write have changed")
		}
		seen[strings.Join([]string{data[100:sector], data[sector : 2*sector], data[2*sector : 2*sector+100]}, "|")] = true
	}
	if len(seen) != 8 {
		t.Errorf("three sectors were left in %d ways, want 8", len(seen))
	}
	for s := range seen {
		for part := range strings.SplitSeq(s, "|") {
			if strings.Trim(part, part[:1]) != "" {
				t.Fatal("a sector is of two times")
			}
		}
	}
}

func TestImageWrite(t *testing.T) {
	rec := replayed(t, `1 openat(AT_FDCWD, "/d/one", O_RDWR|O_CREAT, 0600) = 3
		1 write(3, "ab", 2) = 2
		1 write(3, "cd", 2) = 2
		1 linkat(AT_FDCWD, "/d/one", AT_FDCWD, "/d/two", 0) = 0
		1 mkdirat(AT_FDCWD, "/d/dir", 0700) = 0
		1 bind(5, {sa_family=AF_UNIX, sun_path="/d/dir/s"}, 11) = 0
		1 renameat(AT_FDCWD, "/d/dir/s", AT_FDCWD, "/d/sock") = 0`)
	dir := t.TempDir()
	if err := rec.at(8, 1).write("/d", dir); err != nil {
		t.Fatal(err)
	}
	one, err := os.Stat(filepath.Join(dir, "one"))
	if err != nil {
		t.Fatal(err)
	}
	if two, err := os.Stat(filepath.Join(dir, "two")); err != nil || !os.SameFile(one, two) {
		t.Errorf("a link is a file of its own: %v", err)
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "two")); string(text) != "abcd" {
		t.Errorf("file is %q", text)
	}
	if s, err := os.Lstat(filepath.Join(dir, "sock")); err != nil || s.Mode().Type() != os.ModeSocket {
		t.Errorf("no socket: %v", err)
	}
	entries, _ := os.ReadDir(filepath.Join(dir, "dir"))
	if len(entries) != 0 {
		t.Errorf("the directory holds %v", entries)
	}
	if got := slices.Sorted(maps.Keys(rec.at(8, 0).names)); len(got) != 0 {
		t.Errorf("without a sync of the directory there are %q", got)
	}
}
