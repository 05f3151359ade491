package proc

import "testing"

func TestSyncsBetween(t *testing.T) {
	const trace = `10 fdatasync(5) = 0
10 fsync(-1) = -1 EBADF (Bad file descriptor)
10 fdatasync(5 <unfinished ...>
11 fsync(6) = 0
10 <... fdatasync resumed>) = 0
10 fsync(-1) = -1 EBADF (Bad file descriptor)
10 fdatasync(5) = 0
`
	if n, err := syncsBetween(trace); n != 2 || err != nil {
		t.Errorf("counted %d, %v; want 2", n, err)
	}
	again := trace + "10 fsync(-1) = -1 EBADF\n10 fdatasync(5) = 0\n10 fsync(-1) = -1 EBADF\n"
	if n, err := syncsBetween(again); n != 1 || err != nil {
		t.Errorf("counted %d after two more marks, %v; want 1", n, err)
	}
	if n, err := syncsBetween("10 fsync(-1) = -1 EBADF\n10 fdatasync(5) = 0\n"); err == nil {
		t.Errorf("counted %d without a second mark", n)
	}
}
