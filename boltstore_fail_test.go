package session

import (
	"errors"
	"io/fs"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// saboteur stands in for Tx.Commit and fails when told to.
type saboteur struct {
	mu    sync.Mutex
	fails []func(*bolt.Tx) error // one for each commit to come
	tries atomic.Int64
}

func (s *saboteur) commit(tx *bolt.Tx) error {
	s.tries.Add(1)
	s.mu.Lock()
	var fail func(*bolt.Tx) error
	if len(s.fails) > 0 {
		fail, s.fails = s.fails[0], s.fails[1:]
	}
	s.mu.Unlock()
	if fail == nil {
		return tx.Commit()
	}
	return fail(tx)
}

// next has the next commits fail.
func (s *saboteur) next(fails ...func(*bolt.Tx) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fails = fails
}

var errSync = errors.New("file sync error: input/output error")

func noRoom(*bolt.Tx) error {
	return &fs.PathError{Op: "write", Path: "sessions.db", Err: syscall.ENOSPC}
}

func syncFailed(*bolt.Tx) error { return errSync }

func syncFailedAfterAll(tx *bolt.Tx) error {
	if err := tx.Commit(); err != nil {
		return err
	}
	return errSync
}

func panics(*bolt.Tx) error { panic("a page is not where it should be") }

// opens are what a store can be opened with: each test of failures runs both ways.
var opens = map[string]BoltOptions{"durable": {}, "sync every": {SyncEvery: 10 * time.Millisecond}}

func eachMode(t *testing.T, f func(t *testing.T, b *BoltStore, s *saboteur)) {
	for name, opts := range opens {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := new(saboteur)
				opts.commit = s.commit
				f(t, openBolt(t, &opts), s)
			})
		})
	}
}

func TestBoltStoreFullIsClean(t *testing.T) {
	eachMode(t, func(t *testing.T, b *BoltStore, fail *saboteur) {
		s := create(t, b, testID(1))
		synctest.Wait()
		time.Sleep(time.Second)
		fail.next(noRoom, noRoom)
		if err := b.Destroy(t.Context(), testID(1)); !errors.Is(err, ErrFull) {
			t.Fatalf("Destroy: %v", err)
		}
		if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
			t.Errorf("a session whose end could not be stored is back: %v", err)
		}
		s.Set("n", 2)
		if err := s.Save(t.Context()); !errors.Is(err, ErrNotFound) {
			t.Errorf("Save of a refused session: %v", err)
		}
		time.Sleep(2 * retryRefused)
		if n := b.Stats().Refused; n != 0 {
			t.Errorf("%d ends are still not stored", n)
		}
		if n, err := b.Length(t.Context()); n != 0 || err != nil {
			t.Errorf("Length = %d, %v", n, err)
		}
	})
}

func TestBoltStoreOneBadOpHarmsNobody(t *testing.T) {
	fail := new(saboteur)
	b := openBolt(t, &BoltOptions{commit: fail.commit})
	for i := range 4 {
		create(t, b, testID(i))
	}
	// The group fails, then the ends alone succeed, then the first save alone fails.
	fail.next(noRoom, (*bolt.Tx).Commit, noRoom)
	errs := inOneGroup(t, b, []op{
		{kind: opSave, id: testID(0), rev: revision{changes: map[string]ComponentChanges{"": {Removed: []string{"n"}}}}},
		{kind: opSave, id: testID(1), rev: revision{changes: map[string]ComponentChanges{"": {Removed: []string{"n"}}}}},
		{kind: opDestroy, id: testID(2), reason: Destroyed},
		{kind: opSave, id: testID(2), rev: revision{changes: map[string]ComponentChanges{"": {Removed: []string{"n"}}}}},
	})
	for i, want := range []error{ErrFull, nil, nil, ErrNotFound} {
		if !errors.Is(errs[i], want) {
			t.Errorf("op %d: %v, want %v", i, errs[i], want)
		}
	}
	if s, err := b.Get(t.Context(), testID(0)); err != nil || len(s.Keys()) != 1 {
		t.Errorf("the save that failed changed something: %v", err)
	}
	if s, err := b.Get(t.Context(), testID(1)); err != nil || len(s.Keys()) != 0 {
		t.Errorf("the save that succeeded is lost: %v", err)
	}
}

// inOneGroup has the committer take all ops at once, and returns what came of them.
func inOneGroup(t *testing.T, b *BoltStore, ops []op) []error {
	t.Helper()
	var group []*task
	for _, o := range ops {
		o.at = time.Now()
		group = append(group, b.newTask(o))
	}
	b.queue.mu.Lock()
	b.queue.tasks = append(b.queue.tasks, group...)
	b.queue.length.Store(int64(len(group)))
	b.queue.mu.Unlock()
	b.queue.signal()
	var errs []error
	for _, tk := range group {
		<-tk.done
		errs = append(errs, tk.err)
	}
	return errs
}

func TestBoltStoreFullKeepsAcceptedSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBolt(t, &BoltOptions{SyncEvery: time.Second, commit: fail.commit})
		s := create(t, b, testID(1))
		fail.next(noRoom)
		time.Sleep(1500 * time.Millisecond)
		s.Set("n", 2)
		if err := s.Save(t.Context()); !errors.Is(err, ErrFull) {
			t.Errorf("Save while nothing can be stored: %v", err)
		}
		if _, err := b.Get(t.Context(), testID(1)); err != nil {
			t.Errorf("the accepted save: %v", err)
		}
		time.Sleep(5 * time.Second)
		if err := s.Save(t.Context()); err != nil {
			t.Errorf("Save when there is room again: %v", err)
		}
	})
}

// TestBoltStoreFullListsAcceptedSaves: what was accepted and finds no room is listed and counted, in
// its place and as it is, and is missing in no backup.
func TestBoltStoreFullListsAcceptedSaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBolt(t, &BoltOptions{SyncEvery: time.Second, commit: fail.commit})
		createMany(t, b, 3, nil)
		time.Sleep(2 * time.Second)
		fail.next(slices.Repeat([]func(*bolt.Tx) error{noRoom}, 1000)...)
		for i := range 3 {
			newAnns(t, b, 3+i)
		}
		s, err := b.Get(t.Context(), testID(1))
		if err != nil {
			t.Fatal(err)
		}
		s.SetUser("ann")
		cart, _ := s.Component(t.Context(), "cart")
		cart.Set("n", 1)
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		infos := make(map[ID]Info)
		var last ID
		for info, err := range b.All(t.Context()) {
			if err != nil || compareIDs(last, info.ID) >= 0 {
				t.Fatalf("%v after %v, %v", info.ID.Short(), last.Short(), err)
			}
			last, infos[info.ID] = info.ID, info
		}
		if n, err := b.Length(t.Context()); len(infos) != 6 || n != 6 || err != nil {
			t.Errorf("All has %d, Length = %d, %v", len(infos), n, err)
		}
		if c := infos[testID(1)].Components; c["cart"] != 1 || c[""] != 1 {
			t.Errorf("session 1 is listed with %v", c)
		}
		anns, err := b.ByUser(t.Context(), "ann")
		if len(anns) != 4 || err != nil {
			t.Errorf("ByUser has %d sessions, %v", len(anns), err)
		}
		if err := b.Backup(t.Context(), b.path+".backup"); !errors.Is(err, ErrFull) {
			t.Errorf("Backup: %v", err)
		}
		fail.next()
	})
}
