//go:build linux

package power

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseTrace(t *testing.T) {
	calls, err := parseTrace(strings.NewReader(`7     100.000001 openat(AT_FDCWD, "/d/a,\"b\\(", O_RDWR|O_CREAT, 0600) = 3
7     100.000002 pwrite64(3, "\0\1\377a\n\0012)=", 8, 4096 <unfinished ...>
8     100.000003 bind(4, {sa_family=AF_UNIX, sun_path="/d/s"}, 7) = 0
7     100.000004 <... pwrite64 resumed>) = 8
8     100.000005 unlinkat(AT_FDCWD, "/d/x", 0) = -1 ENOENT (No such file or directory)
9     100.000006 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3, 0 <unfinished ...>
7     100.000007 fdatasync(3 <unfinished ...>
8     100.000008 write(2, "killed", 6) = ?
9     100.000009 <... mmap resumed>) = 0x7f0000000000
9     100.000010 +++ killed by SIGKILL +++
7     100.0000`))
	if err != nil {
		t.Fatal(err)
	}
	type brief struct {
		name       string
		args       int
		ret        int64
		failed     bool
		begin, end int
	}
	var got []brief
	for _, c := range calls {
		got = append(got, brief{c.name, len(c.args), c.ret, c.failed, c.begin, c.end})
	}
	want := []brief{
		{"openat", 4, 3, false, 1, 1},
		{"pwrite64", 4, 8, false, 2, 4},
		{"bind", 3, 0, false, 3, 3},
		{"unlinkat", 3, -1, true, 5, 5},
		{"mmap", 6, 0x7f0000000000, false, 6, 9},
		{"fdatasync", 1, 0, false, 7, never},
		{"write", 3, 0, false, 8, never},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("calls are\n%+v, want\n%+v", got, want)
	}
	for i, want := range map[int]string{0: `/d/a,"b\(`, 1: "\x00\x01\xffa\n\x012)="} {
		if got, err := calls[i].bytes(1); string(got) != want || err != nil {
			t.Errorf("string of call %d is %q, %v, want %q", i, got, err, want)
		}
	}
	if !calls[0].has(2, "O_CREAT") || calls[0].has(2, "O_CREA") {
		t.Error("flags are not told apart")
	}
}

func TestParseTraceRefuses(t *testing.T) {
	for _, line := range []string{
		"7 100.1 <... write resumed>) = 1",
		"7 100.1 write(1, \"a",
		"7 100.1 write(1, \"a\", 1)",
		"7 write(1, \"a\", 1) = 1",
		"write",
	} {
		if _, err := parseTrace(strings.NewReader(line + "\n")); err == nil {
			t.Errorf("%q: no error", line)
		}
	}
	calls, err := parseTrace(strings.NewReader("7 100.1 write(1, \"a\"..., 100) = 100\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := calls[0].bytes(1); err == nil {
		t.Error("a string that was cut short passes for whole")
	}
}
