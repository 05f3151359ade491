package session

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// manyEnd is an end of many sessions, of those from 0 to 3, of which ann has 1 and 3.
type manyEnd struct {
	op
	dead []int
}

func (e manyEnd) do(t *testing.T, b *BoltStore) (err error) {
	if e.kind == opClear {
		_, err = b.Clear(t.Context())
	} else {
		_, err = b.DestroyUser(t.Context(), e.user)
	}
	return err
}

func eachEnd(t *testing.T, f func(t *testing.T, b *BoltStore, fail *saboteur, end manyEnd)) {
	for name, end := range map[string]manyEnd{
		"destroy user": {op{kind: opDestroyUser, user: "ann", reason: Revoked}, []int{1, 3}},
		"clear":        {op{kind: opClear, reason: Cleared}, []int{0, 1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, b *BoltStore, fail *saboteur) {
				createMany(t, b, 4, func(i int, s *Session) { s.SetUser([]string{"bob", "ann"}[i%2]) })
				time.Sleep(time.Second)
				f(t, b, fail, end)
			})
		})
	}
}

func union(dead []int, i int) []int {
	if slices.Contains(dead, i) {
		return dead
	}
	return append(slices.Clone(dead), i)
}

// alive fails the test unless of the sessions from 0 to n-1 exactly those live that are not dead.
func alive(t *testing.T, b *BoltStore, n int, dead []int) {
	t.Helper()
	listed := make(map[ID]bool)
	for info, err := range b.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		listed[info.ID] = true
	}
	for i := range n {
		_, err := b.Get(t.Context(), testID(i))
		if ended := slices.Contains(dead, i); ended && !errors.Is(err, ErrNotFound) || !ended && err != nil || listed[testID(i)] == ended {
			t.Errorf("session %d has ended: %v; Get gave %v, All lists it: %v", i, ended, err, listed[testID(i)])
		}
	}
	if length, err := b.Length(t.Context()); length != n-len(dead) || err != nil {
		t.Errorf("Length = %d, %v, want %d", length, err, n-len(dead))
	}
}

// TestOwedWhileFailed: a DestroyUser or Clear that comes while the store does not write ends the
// sessions all the same, at once for those who use them, and is carried out when it writes again.
func TestOwedWhileFailed(t *testing.T) {
	eachEnd(t, func(t *testing.T, b *BoltStore, fail *saboteur, end manyEnd) {
		s, release, err := b.proxy().Acquire(t.Context(), testID(1))
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		giveBack := hide(t, b.path)
		fail.next(syncFailed)
		if err := b.Destroy(t.Context(), testID(2)); !errors.Is(err, ErrUncertain) {
			t.Fatalf("Destroy: %v", err)
		}
		time.Sleep(time.Second)
		if err := end.do(t, b); !errors.Is(err, ErrFailed) {
			t.Fatalf("the end: %v", err)
		}
		select {
		case <-s.Done():
		default:
			t.Error("a request that was under way goes on with an ended session")
		}
		if n := b.Stats().Refused; n != 2 {
			t.Errorf("%d ends are owed, want 2", n)
		}
		giveBack()
		time.Sleep(2 * maxReopenPause)
		if n := b.Stats().Refused; n != 0 {
			t.Errorf("%d ends are still owed", n)
		}
		alive(t, b, 4, union(end.dead, 2))
	})
}

// TestOwedRefuses: what a DestroyUser or Clear should have ended is refused for as long as that
// is owed, and what comes later is not.
func TestOwedRefuses(t *testing.T) {
	eachEnd(t, func(t *testing.T, b *BoltStore, fail *saboteur, end manyEnd) {
		old, err := b.Get(t.Context(), testID(1))
		if err != nil {
			t.Fatal(err)
		}
		fail.next(syncFailed, noRoom, noRoom, noRoom, noRoom, noRoom)
		if err := end.do(t, b); !errors.Is(err, ErrUncertain) {
			t.Fatalf("the end: %v", err)
		}
		synctest.Wait() // it is tried again, finds no room
		alive(t, b, 4, end.dead)
		old.Set("n", 2)
		if err := old.Save(t.Context()); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrFull) {
			t.Errorf("Save of an ended session: %v", err)
		}
		if err := b.Renew(t.Context(), old, testID(8)); !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrFull) {
			t.Errorf("Renew of an ended session: %v", err)
		}
		fail.next()
		time.Sleep(2 * retryRefused)
		if n := b.Stats().Refused; n != 0 {
			t.Errorf("%d ends are still owed", n)
		}
		alive(t, b, 4, end.dead)
	})
}

// TestOwedSparesWhatIsNew: a session that is stored while an end is owed, as a new one or by a
// renewal, lives on when that is carried out, though it is the user's.
func TestOwedSparesWhatIsNew(t *testing.T) {
	eachEnd(t, func(t *testing.T, b *BoltStore, fail *saboteur, end manyEnd) {
		var once sync.Mutex
		told := make(map[ID]int)
		b.OnDestroy(func(id ID, _ Reason) {
			once.Lock()
			defer once.Unlock()
			told[id]++
		})
		old, err := b.Get(t.Context(), testID(1))
		if err != nil {
			t.Fatal(err)
		}
		owed := newOwedEnd(&end.op)
		owed.trying = true // it does not come to that for a while
		b.mem.owe(owed)
		old.Set("n", 2)
		if err := old.Save(t.Context()); !errors.Is(err, ErrNotFound) {
			t.Errorf("Save of an ended session: %v", err)
		}
		s := newAnns(t, b, 4)
		s.Set("n", 2)
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Renew(t.Context(), s, testID(5)); err != nil {
			t.Fatal(err)
		}
		dead := union(end.dead, 4)
		alive(t, b, 6, dead)
		synctest.Wait()
		owed.trying = false
		b.queue.soonest(&b.queue.retryAt, time.Now())
		time.Sleep(time.Second)
		if n := b.Stats().Refused; n != 0 {
			t.Errorf("%d ends are still owed", n)
		}
		alive(t, b, 6, dead)
		once.Lock()
		defer once.Unlock()
		for _, i := range dead {
			if told[testID(i)] != 1 {
				t.Errorf("observers were told %d times that session %d ended", told[testID(i)], i)
			}
		}
	})
}

// TestOwedIsTriedSoon: an end that comes as the store just begins to write again is carried out
// though nothing else is to be done.
func TestOwedIsTriedSoon(t *testing.T) {
	eachEnd(t, func(t *testing.T, b *BoltStore, _ *saboteur, end manyEnd) {
		b.queue.stop(ErrFailed)
		err := end.do(t, b)
		b.queue.stop(nil)
		if !errors.Is(err, ErrFailed) {
			t.Fatalf("the end: %v", err)
		}
		synctest.Wait()
		if n := b.Stats().Refused; n != 0 {
			t.Errorf("%d ends are still owed", n)
		}
		alive(t, b, 4, end.dead)
	})
}

func newAnns(t *testing.T, b *BoltStore, i int) *Session {
	t.Helper()
	s, err := b.Create(t.Context(), testID(i))
	if err != nil {
		t.Fatal(err)
	}
	s.SetUser("ann")
	s.Set("n", 1)
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOwedAfterUncertainRenew: a DestroyUser that fails in one group with a renewal ends the
// session under whichever ID it is there, and so does a Destroy of the old ID.
func TestOwedAfterUncertainRenew(t *testing.T) {
	for name, how := range map[string]func(*bolt.Tx) error{"not stored": syncFailed, "stored": syncFailedAfterAll} {
		for kind, end := range map[string]op{
			"destroy user": {kind: opDestroyUser, user: "ann", reason: Revoked},
			"destroy":      {kind: opDestroy, id: testID(1), reason: Destroyed},
			"clear":        {kind: opClear, reason: Cleared},
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					fail := new(saboteur)
					b := openBolt(t, &BoltOptions{commit: fail.commit})
					newAnns(t, b, 1)
					fail.next(how)
					inOneGroup(t, b, []op{{kind: opRenew, id: testID(1), to: testID(2), reason: Renewed}, end})
					if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
						t.Errorf("the old ID: %v", err)
					}
					time.Sleep(time.Minute)
					if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
						t.Errorf("the old ID, later: %v", err)
					}
					if _, err := b.Get(t.Context(), testID(2)); kind != "destroy" && !errors.Is(err, ErrNotFound) {
						t.Errorf("the new ID: %v", err)
					}
				})
			})
		}
	}
}

// TestRefusedIsNotSaved: while the end of a session finds no room, a save that would find some
// does not store it, and neither does a renewal.
func TestRefusedIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBolt(t, &BoltOptions{commit: fail.commit})
		create(t, b, testID(1))
		fail.next(noRoom, noRoom, noRoom)
		if err := b.Destroy(t.Context(), testID(1)); !errors.Is(err, ErrFull) {
			t.Fatalf("Destroy: %v", err)
		}
		synctest.Wait() // it may be tried again at once
		other, err := b.Create(t.Context(), testID(3))
		if err != nil {
			t.Fatal(err)
		}
		fail.next(noRoom, noRoom) // the group, then the end alone
		rev := revision{changes: map[string]ComponentChanges{"": {Removed: []string{"n"}}}}
		errs := inOneGroup(t, b, []op{
			{kind: opSave, id: testID(1), rev: rev},
			{kind: opRenew, id: testID(1), to: testID(2), rev: rev, reason: Renewed},
			{kind: opSave, id: testID(3), rev: revision{isNew: true, meta: &other.state.Load().meta}},
		})
		for i, want := range []error{ErrNotFound, ErrNotFound, nil} {
			if !errors.Is(errs[i], want) {
				t.Errorf("op %d: %v, want %v", i, errs[i], want)
			}
		}
		if n := b.Stats().Refused; n != 1 {
			t.Errorf("%d ends are owed: the test proves nothing", n)
		}
	})
}
