package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestBoltStoreTouchNeverRevives: a touch that comes too late does not make an expired session
// live, neither in memory nor on its way to the file.
func TestBoltStoreTouchNeverRevives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, &BoltOptions{TouchInterval: time.Minute})
		createUntil(t, b, testID(1), time.Hour)
		time.Sleep(time.Hour)
		b.Touch(t.Context(), testID(1), time.Now())
		b.Touch(t.Context(), testID(2), time.Now()) // there is no such session
		for _, wait := range []time.Duration{0, 5 * time.Minute} {
			time.Sleep(wait)
			if _, err := b.Get(t.Context(), testID(1)); !errors.Is(err, ErrNotFound) {
				t.Errorf("Get: %v", err)
			}
			if n, err := b.Length(t.Context()); n != 0 || err != nil {
				t.Errorf("Length = %d, %v", n, err)
			}
		}
		if n := b.Stats().Touches; n != 0 {
			t.Errorf("%d touches stay in memory", n)
		}
	})
}

// TestBoltStoreStoresTouches: after TouchInterval, and at Close, touches are in the file.
func TestBoltStoreStoresTouches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		createMany(t, b, 600, nil)
		time.Sleep(5 * time.Second)
		at, before := time.Now(), b.Stats().Commits
		for i := range 600 {
			b.Touch(t.Context(), testID(i), at)
		}
		time.Sleep(defaultTouchInterval + time.Second)
		if st := b.Stats(); st.Touches != 0 || st.Commits-before != 3 {
			t.Errorf("%d touches in memory, %d commits for 600 in groups of 256", st.Touches, st.Commits-before)
		}
		s, err := b.Get(t.Context(), testID(7))
		if err != nil || !s.LastAccess().Equal(at) {
			t.Errorf("last access %v, %v; want %v", s.LastAccess(), err, at)
		}
		s.Touch()
		late := s.LastAccess()
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		again := openBoltAt(t, b.path, nil)
		if s, err := again.Get(t.Context(), testID(7)); err != nil || !s.LastAccess().Equal(late) {
			t.Errorf("last access after Close: %v, %v; want %v", s.LastAccess(), err, late)
		}
	})
}

// TestBoltStoreShortMaxAgeIsTouchedSooner: a crash must not log out who was there a moment ago.
func TestBoltStoreShortMaxAgeIsTouchedSooner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openBolt(t, nil)
		createUntil(t, b, testID(1), 20*time.Second)
		s, _ := b.Get(t.Context(), testID(1))
		time.Sleep(time.Second)
		s.Touch()
		time.Sleep(2*time.Second + time.Millisecond)
		if n := b.Stats().Touches; n != 0 {
			t.Errorf("%d touches in memory after a tenth of the max age", n)
		}
	})
}

func TestTouchMark(t *testing.T) {
	base := time.Unix(1_800_000_000, 0)
	meta := Meta{LastAccess: base, MaxAge: time.Hour, End: base.Add(10 * time.Hour)}
	at := func(minutes ...int) (m touchMark) {
		for _, n := range minutes {
			at := nanos(base.Add(time.Duration(n) * time.Minute))
			m = m.add(at, at)
		}
		return m
	}
	for _, tc := range []struct {
		name string
		mark touchMark
		want int // minutes
	}{
		{"none", at(), 0},
		{"one", at(30), 30},
		{"earlier is nothing", at(30, 10), 30},
		{"before the last access", at(-10), 0},
		{"a chain", at(30, 80, 130), 130},
		{"too late", at(60), 0},
		{"a gap as long as the max age", at(30, 90), 0},
		{"joined", at(30, 40).join(at(80, 90)), 90},
		{"joined the other way round", at(80, 90).join(at(30, 40)), 90},
		{"joined with a gap", at(30).join(at(95)), 0},
		{"joined overlapping", at(30, 80).join(at(50, 70)), 80},
		{"ahead of its time", touchMark{}.add(at(30).last, at(90).last).add(at(100).last, at(140).last), 140},
		{"ahead, then too late", touchMark{}.add(at(30).last, at(90).last).add(at(150).last, at(150).last), 0},
		{"joined with none", at().join(at(30)), 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.mark.over(meta).LastAccess
			if want := base.Add(time.Duration(tc.want) * time.Minute); !got.Equal(want) {
				t.Errorf("last access %v after the last one, want %v minutes", got.Sub(base), tc.want)
			}
		})
	}
}

// TestBoltStoreTouchFollowsRenewal: also one that comes while the renewal is committed.
func TestBoltStoreTouchFollowsRenewal(t *testing.T) {
	eachMode(t, func(t *testing.T, b *BoltStore, s *saboteur) {
		moving := create(t, b, testID(1))
		at := time.Now().Add(5 * time.Minute)
		s.next(func(tx *bolt.Tx) error {
			b.Touch(context.Background(), testID(1), at)
			return tx.Commit()
		})
		if err := b.Renew(t.Context(), moving, testID(2)); err != nil {
			t.Fatal(err)
		}
		got, err := b.Get(t.Context(), testID(2))
		if err != nil || !got.LastAccess().Equal(at) {
			t.Errorf("last access %v, %v; want %v", got.LastAccess(), err, at)
		}
	})
}

// TestBoltStoreRenewalTakesTouchesIn: what is touched before a renewal that shortens the max age says
// nothing against what is touched after it.
func TestBoltStoreRenewalTakesTouchesIn(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		synctest.Test(t, func(t *testing.T) {
			opts.TouchInterval = time.Hour
			b := openBolt(t, &opts)
			s := create(t, b, testID(1))
			b.Touch(t.Context(), testID(1), time.Now())
			time.Sleep(5 * time.Second)
			b.Touch(t.Context(), testID(1), time.Now())
			s.SetMaxAge(4 * time.Second)
			if err := b.Renew(t.Context(), s, testID(2)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
			at := time.Now()
			b.Touch(t.Context(), testID(2), at)
			time.Sleep(3 * time.Second)
			if got, err := b.Get(t.Context(), testID(2)); err != nil || !got.LastAccess().Equal(at) {
				t.Errorf("after the touch: %v, %v", got, err)
			}
		})
	})
}
