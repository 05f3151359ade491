package session

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

var chaosSeed = flag.Uint64("chaos.seed", 0, "seed of TestBoltStoreChaos; 0 is another one each time")

// TestBoltStoreChaos: whatever commits fail, cleanly, with an outcome that nobody knows or in a
// panic, and however many at once: errors have types, what was acknowledged is there, what ended
// stays dead, and of what is uncertain the store has one of the two. One worker alone does the
// same again with the same seed.
func TestBoltStoreChaos(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	for name, opts := range opens {
		for workers, rounds := range map[int]int{1: 3, 8: 1} {
			for round := range rounds {
				t.Run(fmt.Sprintf("%s, %d workers, round %d", name, workers, round), func(t *testing.T) {
					t.Logf("-chaos.seed=%d", seed)
					synctest.Test(t, func(t *testing.T) { inChaos(t, opts, workers, seed+uint64(round)) })
				})
			}
		}
	}
}

// inChaos has workers use a store whose commits fail, and looks at what is left when they do no more.
func inChaos(t *testing.T, opts BoltOptions, workers int, seed uint64) {
	luck := &badLuck{rand: rand.New(rand.NewPCG(seed, 0))}
	opts.commit, opts.Reap = luck.commit, Never
	path := filepath.Join(t.TempDir(), "sessions.db")
	b := openBoltAtUnchecked(t, path, &opts)
	luck.on.Store(true)
	all := make([]*chaosWorker, workers)
	var wg sync.WaitGroup
	for i := range all {
		all[i] = &chaosWorker{
			T: t, Rand: rand.New(rand.NewPCG(seed, uint64(i)+1)), b: b, number: i, sessions: map[ID]*chaosSession{},
		}
		wg.Go(func() {
			for range 600 / workers {
				all[i].step()
			}
		})
	}
	wg.Wait()
	luck.on.Store(false)
	time.Sleep(time.Minute)
	if st := b.Stats(); st.Failed || st.Refused > 0 || st.Pending > 0 {
		t.Errorf("when commits worked again for a minute: %+v", st)
	}
	if luck.bad == 0 || b.Stats().Reopens == 0 {
		t.Errorf("%d commits failed, %d times the file was opened again: nothing was tested", luck.bad, b.Stats().Reopens)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	again := openBoltAt(t, path, nil)
	alive := 0
	for _, w := range all {
		w.b = again
		alive += w.checkAll()
	}
	if n, err := again.Length(t.Context()); n != alive || err != nil {
		t.Errorf("%d sessions are left, %v; want %d", n, err, alive)
	}
}

// badLuck stands in for Tx.Commit.
type badLuck struct {
	on   atomic.Bool
	rand *rand.Rand // used by the committer only
	bad  int
}

func (l *badLuck) commit(tx *bolt.Tx) error {
	if !l.on.Load() || l.rand.IntN(8) != 0 {
		return tx.Commit()
	}
	l.bad++
	ways := []func(*bolt.Tx) error{noRoom, noRoom, noRoom, noRoom, syncFailed, syncFailedAfterAll, panics, panicsAfterAll}
	return ways[l.rand.IntN(len(ways))](tx)
}

func panicsAfterAll(tx *bolt.Tx) error {
	if err := tx.Commit(); err != nil {
		return err
	}
	return panics(tx)
}

// chaosWorker has sessions that nobody else uses, so it knows what must be there.
type chaosWorker struct {
	*testing.T
	*rand.Rand
	b        *BoltStore
	number   int
	made     int
	ids      []ID // that may be alive
	sessions map[ID]*chaosSession
}

// chaosSession is what a worker knows of a session.
type chaosSession struct {
	dead   bool
	user   string
	values []int // that it may have
}

// step does one thing with one session.
func (w *chaosWorker) step() {
	if len(w.ids) == 0 || w.IntN(5) == 0 {
		w.create()
		return
	}
	at := w.IntN(len(w.ids))
	id := w.ids[at]
	if s := w.read(id); s == nil {
		w.ids = append(w.ids[:at], w.ids[at+1:]...)
		return
	}
	switch n := w.IntN(24); {
	case n < 3:
		w.typed("Destroy", w.b.Destroy(w.Context(), id))
		w.sessions[id].dead = true // after a failure, too
	case n < 6:
		w.renew(id)
	case n < 8:
		w.destroyUser(w.sessions[id].user)
	case n < 9:
		_, err := w.b.Reap(w.Context())
		w.typed("Reap", err)
	case n < 10:
		w.typed("Compact", w.b.Compact(w.Context()))
	case n < 12:
		w.typed("Touch", w.b.Touch(w.Context(), id, time.Now()))
	case n < 15:
		time.Sleep(time.Duration(w.IntN(3000)) * time.Millisecond)
	default:
		w.save(id)
	}
}

// typed fails the test unless err is of a kind that a caller can tell, and waits a little after a
// failure, as a caller does.
func (w *chaosWorker) typed(call string, err error) {
	w.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrFull), errors.Is(err, ErrUncertain), errors.Is(err, ErrFailed):
		time.Sleep(time.Duration(w.IntN(300)) * time.Millisecond)
	default:
		w.Errorf("%s: %v", call, err)
	}
}

func (w *chaosWorker) newID() ID {
	w.made++
	return testID(1_000_000*w.number + w.made)
}

func (w *chaosWorker) create() {
	id, user := w.newID(), fmt.Sprint("user ", w.number, w.IntN(3))
	s := NewSession(w.b, id, newMeta(time.Now(), time.Hour, 100*time.Hour))
	s.Set("n", 0)
	s.SetUser(user)
	err := s.Save(w.Context())
	w.typed("Save of a new session", err)
	w.sessions[id] = &chaosSession{user: user, values: []int{0}}
	w.outcome(id, err)
	w.ids = append(w.ids, id)
}

// outcome finds out whether a new session is there.
func (w *chaosWorker) outcome(id ID, err error) {
	s := w.sessions[id]
	if s.dead = err != nil; errors.Is(err, ErrUncertain) {
		s.dead = w.get(id) == nil
	}
}

// get gets a session, nil if there is none, when the store can be read again.
func (w *chaosWorker) get(id ID) *Session {
	w.Helper()
	for {
		s, err := w.b.Get(w.Context(), id)
		switch {
		case err == nil:
			return s
		case errors.Is(err, ErrNotFound):
			return nil
		case !errors.Is(err, ErrFailed):
			w.Errorf("Get: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// read gets a session and compares it with what is known.
func (w *chaosWorker) read(id ID) *Session {
	w.Helper()
	s, known := w.get(id), w.sessions[id]
	if s == nil {
		if !known.dead {
			w.Errorf("%s is gone, it should have one of %v", id.Short(), known.values)
			known.dead = true
		}
		return nil
	}
	if known.dead {
		w.Errorf("%s is back", id.Short())
		return nil
	}
	got, ok := Key[int]("n").Get(s)
	for _, n := range known.values {
		if ok && n == got {
			known.values = []int{n} // it cannot change any more
			return s
		}
	}
	w.Errorf("%s has %d (%v), it should have one of %v", id.Short(), got, ok, known.values)
	return s
}

// save saves the next value.
func (w *chaosWorker) save(id ID) {
	s, known := w.read(id), w.sessions[id]
	if s == nil {
		return
	}
	next := known.values[0] + 1
	s.Set("n", next)
	err := s.Save(w.Context())
	w.typed("Save", err)
	switch {
	case err == nil:
		known.values = []int{next}
	case errors.Is(err, ErrUncertain):
		known.values = append(known.values, next)
	}
}

// renew renews a session; it is afterwards under one of its IDs.
func (w *chaosWorker) renew(id ID) {
	s, known := w.read(id), w.sessions[id]
	if s == nil {
		return
	}
	to, next := w.newID(), known.values[0]+1
	s.Set("n", next)
	err := w.b.Renew(w.Context(), s, to)
	w.typed("Renew", err)
	moved := err == nil
	if errors.Is(err, ErrUncertain) {
		moved = w.get(to) != nil
	}
	w.sessions[to] = &chaosSession{user: known.user, values: []int{next}, dead: !moved}
	known.dead = moved
	w.ids = append(w.ids, to)
	w.read(to)
	w.read(id)
}

// destroyUser destroys all sessions of a user. After a failure it may have.
func (w *chaosWorker) destroyUser(user string) {
	_, err := w.b.DestroyUser(w.Context(), user)
	w.typed("DestroyUser", err)
	for _, id := range w.ids {
		if s := w.sessions[id]; s.user == user && !s.dead {
			s.dead = err == nil || w.get(id) == nil
		}
	}
}

// checkAll reads all sessions that ever were, and returns how many live.
func (w *chaosWorker) checkAll() (alive int) {
	for id := range w.sessions {
		if w.read(id) != nil {
			alive++
		}
	}
	return alive
}
