package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// A9: the path names another file (a restored backup, say) when the store opens its own again.
func TestAttackReopenOfReplacedFile(t *testing.T) {
	fail := new(saboteur)
	dir := privateDir(t)
	b := openBoltAtUnchecked(t, filepath.Join(dir, "sessions.db"), &BoltOptions{commit: fail.commit})
	create(t, b, testID(1))
	if err := b.Backup(t.Context(), filepath.Join(dir, "old.db")); err != nil {
		t.Fatal(err)
	}
	if err := b.Destroy(t.Context(), testID(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "old.db"), b.path); err != nil {
		t.Fatal(err)
	}
	fail.next(syncFailed)
	s := NewSession(b, testID(2), newMeta(time.Now(), time.Hour, time.Hour))
	s.Set("n", 1)
	if err := s.Save(t.Context()); !errors.Is(err, ErrUncertain) {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	if _, err := b.Get(t.Context(), testID(1)); err == nil {
		t.Error("a destroyed session is back: the store went on with another file")
	}
}

// A11: buckets of components that nobody has any more stay for ever.
func TestAttackEmptyComponents(t *testing.T) {
	b := openBolt(t, nil)
	for round := range 4 {
		createMany(t, b, 500, func(i int, s *Session) {
			s.SetUser("ann")
			c, _ := s.Component(t.Context(), fmt.Sprintf("cart %d-%d-%0100d", round, i, i))
			c.Set("n", 1)
		})
		if _, err := b.DestroyUser(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		if err := b.Compact(t.Context()); err != nil {
			t.Fatal(err)
		}
		st := b.Stats()
		t.Logf("round %d: %d sessions, %d bytes after Compact", round, st.Sessions, st.FileBytes)
	}
	if n := b.Stats().FileBytes; n > 100_000 {
		t.Errorf("an empty store takes %d bytes after Compact", n)
	}
}

// A13: a flush fails once, and the one session it was about moves on in the same group.
func TestAttackFullForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBolt(t, &BoltOptions{SyncEvery: time.Second, commit: fail.commit})
		park := b.newTask(op{kind: opPark})
		park.parking = &parking{ready: make(chan struct{}), leave: make(chan error, 1)}
		if err := b.queue.add(park); err != nil {
			t.Fatal(err)
		}
		<-park.parking.ready
		s := create(t, b, testID(1))
		renewed := make(chan error, 1)
		go func() { renewed <- b.Renew(context.Background(), s, testID(2)) }()
		time.Sleep(2 * time.Second) // the flush is due
		fail.next(noRoom, noRoom)   // of the group, and of the flush alone
		park.parking.leave <- nil
		if err := <-renewed; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		s = NewSession(b, testID(3), newMeta(time.Now(), time.Hour, time.Hour))
		s.Set("n", 1)
		if err := s.Save(t.Context()); err != nil {
			t.Errorf("an hour after one commit that found no room: %v; %+v", err, b.Stats())
		}
	})
}
