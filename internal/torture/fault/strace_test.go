//go:build linux

package fault

import (
	"strings"
	"testing"
)

const db = "/srv/app/sessions.db"

func TestParseTrace(t *testing.T) {
	calls, err := parseTrace(strings.NewReader(`
71  pwrite64(7</srv/app/sessions.db>, ""..., 4096, 8192) = 4096
71  fdatasync(7</srv/app/sessions.db> <unfinished ...>
72  openat(AT_FDCWD</srv>, "/srv/app/sessions.db", O_RDWR|O_NONBLOCK|O_NOFOLLOW|O_CLOEXEC <unfinished ...>
71  <... fdatasync resumed>)              = -1 EIO (Input/output error) (INJECTED)
72  <... openat resumed>)                 = 8</srv/app/sessions.db>
72  +++ exited with 0 +++
strace: Process 73 attached
71  mmap(NULL, 268435456, PROT_READ, MAP_SHARED, 7</srv/app/sessions.db>, 0) = 0x7f0e4ffff000
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range calls {
		line := c.name
		if c.failed {
			line += " failed"
		}
		if c.injected {
			line += " injected"
		}
		if c.on(db) {
			line += " on it"
		}
		got = append(got, line)
	}
	want := "pwrite64 on it, fdatasync failed injected on it, openat on it, mmap on it"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
	if n := injections(calls); n != 1 {
		t.Errorf("%d injections", n)
	}
}

func TestParseTraceRefusesWhatItDoesNotUnderstand(t *testing.T) {
	_, err := parseTrace(strings.NewReader("71  <... fdatasync resumed>) = 0\n"))
	if err == nil {
		t.Error("a call that ended without having begun is no error")
	}
}

func TestAfterFailedSync(t *testing.T) {
	const (
		write  = "1 pwrite64(7</srv/app/sessions.db>, 4096, 0) = 4096\n"
		failed = "1 fdatasync(7</srv/app/sessions.db>) = -1 EIO (Input/output error) (INJECTED)\n"
		sync   = "1 fdatasync(7</srv/app/sessions.db>) = 0\n"
		other  = "1 pwrite64(9</srv/app/other>, 4096, 0) = 4096\n"
		closed = "1 close(7</srv/app/sessions.db>) = 0\n"
		opened = "1 openat(AT_FDCWD, \"/srv/app/sessions.db\", O_RDWR) = 7</srv/app/sessions.db>\n"
	)
	for trace, want := range map[string]string{
		write + sync + write:                                     "",
		write + failed + write:                                   "pwrite64",
		write + failed + sync:                                    "fdatasync",
		write + failed + other:                                   "",
		write + failed + closed + opened + write:                 "",
		write + failed + opened + write:                          "pwrite64",
		write + failed + closed + write:                          "pwrite64",
		write + failed + closed + opened + failed + write + sync: "pwrite64",
	} {
		calls, err := parseTrace(strings.NewReader(trace))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if c := afterFailedSync(calls, db); c != nil {
			got = c.name
		}
		if got != want {
			t.Errorf("%s: %q, want %q", trace, got, want)
		}
	}
}
