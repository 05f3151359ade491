//go:build linux

package damage

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/boltsession/session"
)

// list compares the listings of a store to what Get says.
func (s *surveyor) list(store *session.BoltStore) {
	k := s.Stock
	numbers := map[session.ID]int{}
	for i := range k.Sessions {
		numbers[k.id(i)] = i
	}
	seen := map[int]bool{}
	for info, err := range store.All(s.ctx) {
		if err != nil {
			s.failed("All", err)
			break
		}
		i, known := numbers[info.ID]
		if !known || !s.found[i] || seen[i] || info.User != k.user(i) || len(info.Components) != len(k.parts(i)) {
			s.wrong("All lists session %d (known %t, found %t, twice %t) of user %q", i, known, s.found[i], seen[i], info.User)
		}
		seen[i] = true
	}
	s.count("All", len(seen))
	n, err := store.Length(s.ctx)
	if err != nil {
		s.failed("Length", err)
	}
	s.count("Length", n)
	for u := range stockUsers {
		s.listUser(store, fmt.Sprint("user ", u), numbers)
	}
}

// count compares a number of sessions to that of those that Get finds.
func (s *surveyor) count(what string, n int) {
	if n != len(s.found) && len(s.Errors) == 0 {
		s.wrong("%s has %d sessions, and Get finds %d", what, n, len(s.found))
	}
}

func (s *surveyor) listUser(store *session.BoltStore, user string, numbers map[session.ID]int) {
	infos, err := store.ByUser(s.ctx, user)
	if err != nil {
		s.failed("ByUser", err)
		return
	}
	var got, want []int
	for _, info := range infos {
		got = append(got, numbers[info.ID])
	}
	for i := range s.found {
		if s.Stock.user(i) == user {
			want = append(want, i)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) && len(s.Errors) == 0 {
		s.wrong("ByUser(%q) has %d sessions of %d", user, len(got), len(want))
	}
}

// newVersion is that of the values that a survey stores.
const newVersion = 9

// write changes, creates and ends sessions.
func (s *surveyor) write(store *session.BoltStore) {
	k := s.Stock
	s.save(store, newVersion)
	for i := k.Sessions; i < k.Sessions+5; i++ {
		fresh := session.NewSession(store, k.id(i), k.meta(0))
		err := k.set(s.ctx, fresh, i, newVersion)
		if err == nil {
			err = store.Save(s.ctx, fresh)
		}
		s.wrote("Save", err)
		s.found[i] = err == nil
	}
	for i := k.Sessions / 2; i < k.Sessions/2+5; i++ {
		s.end(store, i, store.Destroy(s.ctx, k.id(i)))
	}
	if !k.Parts {
		return
	}
	_, err := store.DestroyUser(s.ctx, "user 3")
	for i := range k.Sessions + 5 {
		if k.user(i) == "user 3" {
			s.end(store, i, err)
		}
	}
}

// end checks that a session has ended that was to be.
func (s *surveyor) end(store *session.BoltStore, i int, err error) {
	s.wrote("Destroy", err)
	if err != nil {
		return
	}
	delete(s.found, i)
	if _, err := store.Get(s.ctx, s.Stock.id(i)); !errors.Is(err, session.ErrNotFound) {
		s.wrong("session %d was destroyed, and Get = %v", i, err)
	}
}

// reap has the expired sessions deleted and counts what is left.
func (s *surveyor) reap(store *session.BoltStore) {
	if _, err := store.Reap(s.ctx); err != nil {
		s.failed("Reap", err)
	}
	left := 0
	for _, ok := range s.found {
		if ok {
			left++
		}
	}
	if n, err := store.Length(s.ctx); err != nil {
		s.failed("Length", err)
	} else if n != left && len(s.Errors) == 0 && s.allWritten() {
		s.wrong("Length after all writes is %d, there should be %d", n, left)
	}
}

// allWritten says whether no write failed.
func (s *surveyor) allWritten() bool {
	return len(s.Writes) == 0 || len(s.Writes) == 1 && s.Writes[""] > 0
}

// again opens the file once more, which has what was stored in it.
func (s *surveyor) again() error {
	_, err := session.Check(s.ctx, s.Path)
	s.After = kindOf(err)
	store, err := openStock(s.Path, s.Stock, false, io.Discard)
	if err != nil {
		s.failed("Open again", err)
		return nil
	}
	defer store.Close()
	for i := range s.Stock.Sessions + 5 {
		got, err := store.Get(s.ctx, s.Stock.id(i), s.Stock.parts(i)...)
		if there := err == nil; there != s.found[i] && s.allWritten() && len(s.Errors) == 0 {
			s.wrong("opened again, Get of session %d = %v, was there before: %t", i, err, s.found[i])
		}
		if err != nil || i < s.Stock.Sessions {
			continue
		}
		if err := s.Stock.compare(s.ctx, got, i, newVersion); err != nil {
			s.wrong("opened again, %v", err)
		}
	}
	return nil
}
