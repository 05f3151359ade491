//go:build linux

package fault

import (
	"fmt"
	"slices"
)

// fate is what may be true of a session, by what a part was told of it.
type fate struct {
	user   string
	stored int          // the value last acknowledged, 0: none was
	maybe  map[int]bool // values of saves since then of which nobody knows
	ended  bool         // by any call that did not say that it had not begun: never to be seen again
	gone   bool         // by a call that said that it worked: not in the file either
	loose  bool         // perhaps renewed away
	from   *fate        // perhaps renewed from it, which was there
	mortal bool         // it has expired, and is in the file or not
	lossy  bool         // acknowledged saves were in memory only, and may be lost
}

// fates follows a diary, and says what in it breaks a promise.
type fates struct {
	of       map[int]*fate
	fail     func(format string, args ...any)
	deeds    int
	acked    int // saves and ends
	failures map[string]int
	weak     bool // acknowledged saves are in memory only, until Close is acknowledged
	closed   bool // Close was acknowledged
	settled  bool // no end is owed any more
}

func newFates(fail func(string, ...any)) *fates {
	return &fates{of: make(map[int]*fate), fail: fail, failures: make(map[string]int)}
}

func (f *fates) fate(id int) *fate {
	if f.of[id] == nil {
		f.of[id] = &fate{maybe: make(map[int]bool)}
	}
	return f.of[id]
}

// follow takes in the next line of the diary.
func (f *fates) follow(e deed) {
	if e.Begun {
		f.begin(e)
		return
	}
	f.deeds++
	if e.Err != "" {
		f.failures[e.Err]++
	}
	switch e.Op {
	case "save", "renew", "destroy", "user", "clear", "touch", "get", "list", "reap", "close":
		if e.Err == untyped {
			f.fail("%s %d gave an error that cannot be tested for: %s", e.Op, e.ID, e.Said)
		}
	}
	switch e.Op {
	case "save":
		f.saved(e)
	case "renew":
		f.renewed(e)
	case "destroy", "user", "clear":
		f.endedBy(e)
	case "get":
		f.read(e)
	case "list":
		f.listed(e)
	case "expired":
		f.fate(e.ID).mortal = true
	case "settled":
		f.settled = e.Value == 0
	case "close":
		if f.closed = e.Err == ""; !f.closed {
			f.notClosed()
		}
	}
}

// notClosed notes that Close could not store all that was in memory.
func (f *fates) notClosed() {
	for _, s := range f.of {
		s.lossy = f.weak
		if s.ended && !s.gone {
			s.ended, s.loose = false, true
		}
	}
}

// begin notes what a call may do, should it never answer.
func (f *fates) begin(e deed) {
	switch e.Op {
	case "save":
		f.fate(e.ID).user = e.User
		f.fate(e.ID).maybe[e.Value] = true
	case "renew":
		f.fate(e.To).user = f.fate(e.ID).user
	}
}

func (f *fates) saved(e deed) {
	s := f.fate(e.ID)
	switch {
	case e.Err == "" && s.ended:
		f.fail("save %d was acknowledged after the session had ended", e.ID)
	case e.Err == "":
		f.acked++
		s.stored, s.maybe, s.lossy = e.Value, make(map[int]bool), false
	case e.Err == "notfound" && f.certain(s):
		f.fail("save %d says ErrNotFound of a session that has not ended", e.ID)
		fallthrough
	case e.Err != "uncertain":
		delete(s.maybe, e.Value)
	}
}

func (f *fates) renewed(e deed) {
	from, to := f.fate(e.ID), f.fate(e.To)
	switch {
	case e.Err == "" && from.ended:
		f.fail("renewal %d was acknowledged after the session had ended", e.ID)
	case e.Err == "":
		f.acked++
		from.ended, from.gone = true, true
		to.stored = e.Value
	case e.Err == "uncertain":
		to.maybe = map[int]bool{e.Value: true}
		if f.certain(from) {
			to.from = from
		}
		from.loose = true
	}
}

func (f *fates) endedBy(e deed) {
	if e.Err == "closed" || e.Err == "context" {
		return
	}
	if e.Err == "" {
		f.acked++
	}
	for id, s := range f.of {
		if e.Op == "destroy" && id != e.ID || e.Op == "user" && s.user != e.User {
			continue
		}
		if s.stored == 0 && len(s.maybe) == 0 { // no save of it was stored: there is nothing to end
			continue
		}
		s.ended, s.gone = true, s.gone || e.Err == ""
	}
}

// read judges what a Get of the running store said.
func (f *fates) read(e deed) {
	s := f.fate(e.ID)
	switch {
	case e.Err == "" && s.ended:
		f.fail("get %d found a session that has ended", e.ID)
	case e.Err == "":
		f.judge(e.ID, e.Value, e.Torn)
	case e.Err == "notfound" && f.certain(s):
		f.fail("get %d says ErrNotFound of a session that was acknowledged with %d", e.ID, s.stored)
	}
}

// certain says whether a session has to be there.
func (f *fates) certain(s *fate) bool {
	return s.stored != 0 && !s.ended && !s.loose && !s.mortal && !s.lossy
}

// judge says whether what was read of a session can be right.
func (f *fates) judge(id, value int, torn bool) {
	s := f.fate(id)
	switch {
	case torn:
		f.fail("session %d is torn: it has parts of different saves", id)
	case value != s.stored && !s.maybe[value] && !s.lossy:
		f.fail("session %d has %d; acknowledged was %d, uncertain are %v", id, value, s.stored, keysOf(s.maybe))
	}
}

func keysOf(set map[int]bool) (keys []int) {
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (f *fates) listed(e deed) {
	if e.Err != "" {
		return
	}
	seen := make(map[int]bool)
	for _, id := range e.IDs {
		seen[id] = true
	}
	for id, s := range f.of {
		switch {
		case seen[id] && s.ended:
			f.fail("a listing has session %d, which has ended", id)
		case !seen[id] && f.certain(s):
			f.fail("a listing misses session %d", id)
		}
	}
}

// found is what a file has of a session.
type found struct {
	there bool
	value int
	torn  bool
}

// final judges the file, opened when the part has ended.
func (f *fates) final(look func(id int) (found, error)) {
	files := make(map[*fate]found)
	for id, s := range f.of {
		got, err := look(id)
		if err != nil {
			f.fail("session %d cannot be read: %v", id, err)
			continue
		}
		files[s] = got
		switch {
		case got.there && (s.gone || s.ended && f.settled && f.closed):
			f.fail("session %d is in the file though it has ended (%s)", id, s.describe())
		case got.there && !s.ended:
			f.judgeFinal(id, s, got)
		case !got.there && f.certain(s):
			f.fail("session %d is lost (%s)", id, s.describe())
		}
	}
	for id, s := range f.of {
		if s.from == nil || s.ended || s.from.ended || s.from.lossy {
			continue
		}
		if to, from := files[s].there, files[s.from].there; to == from {
			f.fail("of a renewal to session %d that was uncertain, both sessions are there: %v", id, to)
		}
	}
}

func (f *fates) judgeFinal(id int, s *fate, got found) {
	if s.stored == 0 && len(s.maybe) == 0 && !s.mortal {
		f.fail("session %d is in the file though every save of it failed cleanly", id)
		return
	}
	f.judge(id, got.value, got.torn)
}

func (s *fate) describe() string {
	return fmt.Sprintf("acknowledged %d, uncertain %v, end acknowledged: %v", s.stored, keysOf(s.maybe), s.gone)
}
