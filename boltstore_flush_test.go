package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestFlushStoresWhatWasAcceptedInTime: a save is judged by when it was accepted, not by when it
// is flushed. This one prolongs a session whose old deadline passes in between.
func TestFlushStoresWhatWasAcceptedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, &BoltOptions{SyncEvery: 10 * time.Second})
		s := create(t, b, testID(1))
		time.Sleep(DefaultMaxAge - 5*time.Second)
		if err := s.SetMaxAge(24 * time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, later := range []time.Duration{7 * time.Second, time.Minute} {
			time.Sleep(later)
			if _, err := b.Get(t.Context(), testID(1)); err != nil {
				t.Errorf("Get %v later gave %v", later, err)
			}
		}
	})
}

// TestFlushKeepsUp: what waits to be flushed is bounded by the memory that it takes, of which the
// values are the smaller part. Beyond that a save waits for its commit.
func TestFlushKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const room = 100
		b := openBolt(t, &BoltOptions{SyncEvery: time.Hour, maxPending: room * pendingCost})
		for i := range 3 * room {
			create(t, b, testID(i))
			if n := b.Stats().Pending; n > room {
				t.Fatalf("%d sessions wait to be flushed, after %d saves", n, i+1)
			}
		}
		if n := b.Stats().Sessions; n == 0 {
			t.Error("none was committed")
		}
	})
}

// TestFlushForgetsAFailure: a flush that found no room has saves refused while something is left to
// be flushed, not for ever. Here the one session that it was about moves on in the same group.
func TestFlushForgetsAFailure(t *testing.T) {
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
		time.Sleep(2 * time.Second) // the flush is due, and in one group with the renewal
		fail.next(noRoom, noRoom)   // for the group, and then for the flush alone
		park.parking.leave <- nil
		if err := <-renewed; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		create(t, b, testID(3))
	})
}

// TestFlushIsDueByAClockThatNobodySets: were due times the wall clock's, a clock set back by an
// hour would delay by an hour what SyncEvery bounds.
func TestFlushIsDueByAClockThatNobodySets(t *testing.T) {
	b := openBolt(t, &BoltOptions{SyncEvery: time.Hour})
	s := create(t, b, testID(1))
	s.Touch()
	for name, at := range map[string]int64{"flush": b.queue.flushAt.Load(), "touch": b.queue.touchAt.Load()} {
		if due := time.Duration(at); due <= 0 || due > 2*time.Hour {
			t.Errorf("the %s is due %v after the queue was made", name, due)
		}
	}
}
