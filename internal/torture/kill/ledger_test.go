//go:build linux

package kill

import (
	"path/filepath"
	"testing"
)

// TestLedger: what a writer noted is there for whoever maps the file next, also in the middle of an
// op, and an op that was settled never has its number again.
func TestLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	reopened := func() *ledger {
		l, err := openLedger(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.close() })
		return l
	}
	first := entry{id: 1, a: 1, b: 1, alive: true}
	second := entry{id: 1, a: 2, b: 1, alive: true}
	s := &reopened().slots[5]
	expect := func(what string, want promise) {
		t.Helper()
		if got := reopened().slots[5].promise(); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	expect("at first", promise{})
	s.begin(first)
	expect("begun", promise{will: first, busy: true})
	s.done()
	expect("answered", promise{op: 1, was: first})
	s.begin(second)
	expect("begun again", promise{op: 1, was: first, will: second, busy: true})
	s.settle(false)
	expect("did not happen", promise{op: 2, was: first, before: first})
	s.begin(second)
	s.settle(true)
	expect("did happen", promise{op: 3, was: second, before: first})
}

func TestLedgerCopy(t *testing.T) {
	dir := t.TempDir()
	l, err := openLedger(filepath.Join(dir, "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	l.ballast.Store(7)
	l.slots[3].begin(entry{id: 1, alive: true})
	l.slots[3].done()
	l.slots[3].begin(entry{id: 1})
	if err := l.copyTo(filepath.Join(dir, "copy")); err != nil {
		t.Fatal(err)
	}
	c, err := openLedger(filepath.Join(dir, "copy"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	want := promise{op: 1, was: entry{id: 1, alive: true}}
	if got := c.slots[3].promise(); got != want || c.ballast.Load() != 7 {
		t.Errorf("the copy has %+v and %d, want %+v and 7: what was not answered is not promised", got, c.ballast.Load(), want)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1204331: "1,204,331"} {
		if got := thousands(n); got != want {
			t.Errorf("thousands(%d) = %s, want %s", n, got, want)
		}
	}
}
