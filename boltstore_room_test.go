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

// TestFullStoreIsEndedAndReaped: a store in which no save finds room any more, not even one of an
// existing session, ends sessions and is reaped, though there is no room to do much at once.
func TestFullStoreIsEndedAndReaped(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		synctest.Test(t, func(t *testing.T) {
			opts.MaxSize = 1 << 20
			b := openBolt(t, &opts)
			stored := fillWith(t, b, 700)
			swell(t, b, stored)
			if n := pagesLeft(t, b); n < leastReserve-2 {
				t.Errorf("%d pages are left for ends", n)
			}
			for i := range 3 {
				if err := b.Destroy(t.Context(), testID(i)); err != nil {
					t.Fatalf("the end of session %d: %v", i, err)
				}
			}
			swell(t, b, stored)
			time.Sleep(time.Hour)
			if n, err := b.Reap(t.Context()); n != stored-3 || err != nil {
				t.Errorf("Reap = %d, %v, want %d", n, err, stored-3)
			}
			if again := fillWith(t, b, 700); again < stored/2 {
				t.Errorf("after reaping there is room for %d sessions, before for %d", again, stored)
			}
		})
	})
}

// fillWith stores sessions of a size until there is no room.
func fillWith(t *testing.T, b *BoltStore, size int) (n int) {
	t.Helper()
	for ; ; n++ {
		s := NewSession(b, testID(n), newMeta(time.Now(), time.Minute*30, time.Hour))
		s.Set("data", make([]byte, size))
		if err := s.Save(t.Context()); errors.Is(err, ErrFull) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
		if n%100 == 0 {
			time.Sleep(10 * time.Millisecond) // lets SyncEvery pass
		}
	}
}

// pagesLeft returns how many pages a transaction could use.
func pagesLeft(t *testing.T, b *BoltStore) int64 {
	t.Helper()
	time.Sleep(time.Second)
	tx, err := b.file.DB().Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	b.measureTx(tx)
	page := int64(tx.DB().Info().PageSize)
	return b.roomOf(tx).left/page + reserve(b.opts.MaxSize, page)/page
}

// swell has existing sessions grow until none can any more.
func swell(t *testing.T, b *BoltStore, n int) {
	t.Helper()
	for i, full := 0, 0; full < n; i++ {
		s, err := b.Get(t.Context(), testID(i%n))
		if errors.Is(err, ErrNotFound) {
			full++
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		s.Set("more", make([]byte, 100*(1+i/n)))
		switch err := s.Save(t.Context()); {
		case err == nil:
			full = 0
		case errors.Is(err, ErrFull), errors.Is(err, ErrTooLarge):
			full++
		default:
			t.Fatal(err)
		}
		if i%100 == 0 {
			time.Sleep(10 * time.Millisecond) // lets SyncEvery pass
		}
	}
}

func TestRoomIsTaken(t *testing.T) {
	asked := 0
	r := &room{page: 4096, left: 20 * 4096, more: func(int64) (int64, error) { asked++; return 0, nil }}
	one := []edit{{value: make([]byte, 10)}}
	if !r.take(one, false) || r.left != (20-pathPages-1)*4096 {
		t.Errorf("an edit and the paths to it leave %d bytes", r.left)
	}
	large := []edit{{value: make([]byte, 50*4096)}}
	if r.take(large, false) || asked != 1 {
		t.Errorf("more was taken than there is, asked for more %d times", asked)
	}
	if !r.take(large, true) || r.left >= 0 {
		t.Error("an end was not given what is kept for ends")
	}
	if r.take(one, false) {
		t.Error("a save was given what is kept for ends")
	}
	if !r.take(nil, false) {
		t.Error("what changes nothing finds no room")
	}
}

// TestFullFlushDropsTheExpired: a new session that was accepted, found no room and has expired since
// is not stored when there is some, and observers are told.
func TestFullFlushDropsTheExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail := new(saboteur)
		b := openBolt(t, &BoltOptions{SyncEvery: time.Second, commit: fail.commit})
		var mu sync.Mutex
		var told []Reason
		b.OnDestroy(func(_ ID, r Reason) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, r)
		})
		for i, age := range []time.Duration{time.Minute, time.Hour} {
			s, _ := b.Create(t.Context(), testID(i))
			s.SetMaxAge(age)
			s.Set("n", 1)
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		fail.next(slices.Repeat([]func(*bolt.Tx) error{noRoom}, 1000)...)
		time.Sleep(2 * time.Minute)
		fail.next()
		time.Sleep(5 * time.Second)
		if st := b.Stats(); st.Pending != 0 || st.Sessions != 1 || st.Ended != 1 {
			t.Errorf("%+v", st)
		}
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(told, []Reason{Expired}) {
			t.Errorf("observers were told %v", told)
		}
	})
}
