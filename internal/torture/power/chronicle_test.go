//go:build linux

package power

import (
	"strings"
	"testing"
)

func TestChronicle(t *testing.T) {
	c := newChronicle()
	for i, line := range strings.Split(`do a create 1 1 true
did a create
do a save 1 2 false
tick
did a save
do backup-0.db backup 0 0 false
do a renew 2 3 true
did a renew
do a destroy 0 3 true
did backup-0.db backup`, "\n") {
		if err := c.tell(line+"\n", 10*(i+1), float64(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	l := c.lives["a"]
	for _, test := range []struct {
		moment moment
		lo, hi int
	}{
		{moment{place: 10, at: 1}, 0, 0},
		{moment{place: 11, at: 1}, 0, 1},
		{moment{place: 21, at: 2}, 1, 1},
		{moment{place: 31, at: 3}, 1, 2},
		{moment{place: 51, at: 5.5, grace: 1}, 1, 2}, // the save was accepted half a second ago
		{moment{place: 51, at: 6.1, grace: 1}, 2, 2},
		{moment{place: 81, at: 8.1, grace: 9}, 3, 3}, // with a renewal, what came before is stored
		{moment{place: 95, at: 9.5}, 3, 4},
	} {
		if lo, hi := l.bounds(test.moment, c.closed); lo != test.lo || hi != test.hi {
			t.Errorf("%+v: from %d to %d deeds, want %d to %d", test.moment, lo, hi, test.lo, test.hi)
		}
	}
	if b := c.backups["backup-0.db"]; b == nil || b.begun != 60 || b.done != 100 {
		t.Errorf("backup is %+v", b)
	}
	for _, line := range []string{"did b save", "did a renew", "done", "do a save x 1 true"} {
		if err := c.tell(line, 1, 1); err == nil {
			t.Errorf("%q: no error", line)
		}
	}
}

func TestJudge(t *testing.T) {
	l := &life{name: "a", deeds: []*deed{{gen: 1, n: 1}, {gen: 1, n: 2}, {gen: 2, n: 3}, {n: 3}, {gen: 3, n: 4}}}
	for _, test := range []struct {
		seen   []sighting
		lo, hi int
		want   verdict
	}{
		{nil, 0, 1, sound},
		{nil, 1, 2, lost},
		{nil, 3, 4, sound},
		{nil, 4, 4, sound},
		{nil, 5, 5, lost},
		{[]sighting{{"a", 1, 1}}, 0, 1, sound},
		{[]sighting{{"a", 1, 1}}, 1, 2, sound},
		{[]sighting{{"a", 1, 1}}, 2, 2, lost},
		{[]sighting{{"a", 1, 2}}, 2, 3, sound},
		{[]sighting{{"a", 1, 2}}, 3, 3, revived},
		{[]sighting{{"a", 2, 3}}, 4, 4, revived},
		{[]sighting{{"a", 1, 2}, {"a", 2, 3}}, 2, 3, revived},
		{[]sighting{{"a", 2, 3}}, 1, 2, strange},
		{[]sighting{{"a", 1, 7}}, 1, 2, strange},
	} {
		if _, got := l.judge(test.seen, test.lo, test.hi); got != test.want {
			t.Errorf("%v after %d to %d deeds is %q, want %q", test.seen, test.lo, test.hi, got, test.want)
		}
	}
}
