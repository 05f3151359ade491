//go:build linux

package race

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/internal/torture/trial"
)

// raceEnds ends sessions while they are saved, touched and renewed. Once that is acknowledged, the
// session must be gone, now, when all the others are through, and when the store is opened again.
func raceEnds(ctx context.Context, t *trial.Trial, kind raceKind) error {
	store, err := kind.start(t, "ends")
	if err != nil {
		return err
	}
	rounds := t.Size(10_000, 300)
	tally := &endsTally{}
	var next atomic.Int64
	var workers sync.WaitGroup
	seed := t.Rand.Uint64()
	for range 16 {
		workers.Go(func() {
			for i := next.Add(1); i <= int64(rounds) && ctx.Err() == nil; i = next.Add(1) {
				round := newEndsRound(t, store, mathrand.New(mathrand.NewPCG(seed, uint64(i))), tally)
				round.run(ctx)
			}
		})
	}
	workers.Wait()
	if err := store.reopen(); err != nil {
		return err
	}
	for _, id := range tally.dead {
		if err := store.gone(ctx, id); err != nil {
			t.Fail("%s: ended session %s is back after all: %v", kind.name, id.Short(), err)
		}
	}
	t.Figure("%s: %d ends against %d saves, %d touches and %d renewals, %d came back",
		kind.name, rounds, tally.saves.Load(), tally.touches.Load(), tally.renewals.Load(), tally.back.Load())
	return store.inner.Close()
}

// endsTally counts over all rounds.
type endsTally struct {
	saves, touches, renewals, back atomic.Int64

	mu   sync.Mutex
	dead []session.ID // must not be there any more
}

func (y *endsTally) died(id session.ID) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.dead = append(y.dead, id)
}

// endsRound is one interleaving: a session, and all who want something of it.
type endsRound struct {
	t     *trial.Trial
	store *raceStore
	tally *endsTally

	token, user string
	id, to      session.ID // to: where a copy moves
	delays      []int
	renews      bool
	end         int // how it is ended

	mu    sync.Mutex
	moved []session.ID // renewed to, which succeeded
}

func newEndsRound(t *trial.Trial, store *raceStore, r *mathrand.Rand, tally *endsTally) *endsRound {
	round := &endsRound{t: t, store: store, tally: tally, user: rand.Text(), renews: r.IntN(2) == 0, end: r.IntN(4)}
	var secret [32]byte
	rand.Read(secret[:])
	round.token = base64.RawURLEncoding.EncodeToString(secret[:])
	round.id, round.to = session.TokenID(round.token), session.TokenID(rand.Text())
	for range 5 {
		round.delays = append(round.delays, r.IntN(200))
	}
	return round
}

func (r *endsRound) run(ctx context.Context) {
	s, err := r.store.store.Create(ctx, r.id)
	if err == nil {
		err = errors.Join(s.SetUser(r.user), s.Set("n", 0), s.Save(ctx))
	}
	if err != nil {
		r.t.Fail("%s: create: %v", r.store.name, err)
		return
	}
	actors := []func(context.Context) error{r.save, r.save, r.touch, r.destroy}
	if r.renews {
		actors = append(actors, r.renew)
	}
	var all sync.WaitGroup
	for i, act := range actors {
		all.Go(func() {
			wander(r.delays[i])
			if err := act(ctx); err != nil {
				r.t.Fail("%s: %v", r.store.name, err)
			}
		})
	}
	all.Wait()
	r.judge(ctx)
}

// wander lets others go first: some by a turn, some by as long as a commit takes.
func wander(n int) {
	if n >= 100 {
		time.Sleep(time.Duration(n) * 5 * time.Microsecond)
		return
	}
	for range n {
		runtime.Gosched()
	}
}

// ended lets those errors through that an ended session gives.
func ended(err error) error {
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}

func (r *endsRound) save(ctx context.Context) error {
	s, release, err := r.store.handle(ctx, r.id)
	if err != nil {
		return ended(err)
	}
	defer release()
	for i := range 3 {
		if err := s.Set("n", i+1); err != nil {
			return ended(err)
		}
		if err := s.Save(ctx); err != nil {
			return ended(err)
		}
		r.tally.saves.Add(1)
	}
	return nil
}

func (r *endsRound) touch(ctx context.Context) error {
	s, release, err := r.store.handle(ctx, r.id)
	if err != nil {
		return ended(err)
	}
	defer release()
	for range 3 {
		s.Touch()
		r.tally.touches.Add(1)
		runtime.Gosched()
	}
	toucher, ok := session.As[session.Toucher](r.store.store)
	if !ok {
		return nil
	}
	return toucher.Touch(ctx, r.id, time.Now())
}

// renew renews the session in a request, and without a ProxyStore as a copy.
func (r *endsRound) renew(ctx context.Context) error {
	if r.store.web != nil {
		to, moved, err := r.store.web.renew(r.token)
		if moved {
			r.movedTo(to)
		}
		return err
	}
	renewer, ok := session.As[session.Renewer](r.store.store)
	if !ok {
		return nil
	}
	s, err := r.store.store.Get(ctx, r.id)
	if err != nil {
		return ended(err)
	}
	if err := s.Set("renewed", true); err != nil {
		return err
	}
	err = renewer.Renew(ctx, s, r.to)
	if err == nil {
		r.movedTo(r.to)
	}
	return ended(err)
}

func (r *endsRound) movedTo(id session.ID) {
	r.tally.renewals.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved = append(r.moved, id)
}

// destroy ends the session in one of the ways that there are, and looks whether it is gone.
func (r *endsRound) destroy(ctx context.Context) error {
	var err error
	users, ok := session.As[session.UserIndex](r.store.store)
	switch {
	case r.end == 0:
		err = r.store.inner.Destroy(ctx, r.id) // beside the ProxyStore
	case r.end == 1 && ok:
		_, err = users.DestroyUser(ctx, r.user)
	case r.end == 2:
		var s *session.Session
		var release func()
		if s, release, err = r.store.handle(ctx, r.id); err == nil {
			_, err = s.Destroy(ctx)
			release()
		}
		err = ended(err)
	default:
		err = r.store.store.Destroy(ctx, r.id)
	}
	if err != nil {
		return fmt.Errorf("destroy: %w", err)
	}
	if err := r.store.gone(ctx, r.id); err != nil {
		r.tally.back.Add(1)
		return fmt.Errorf("session %s was destroyed, and then %w", r.id.Short(), err)
	}
	return nil
}

// judge looks at what is left when everybody is through. A renewal that came first took the session
// to where Destroy of the old ID does not reach, but DestroyUser does.
func (r *endsRound) judge(ctx context.Context) {
	dead := []session.ID{r.id}
	if _, ok := session.As[session.UserIndex](r.store.store); ok && r.end == 1 {
		dead = append(dead, r.to)
		dead = append(dead, r.moved...)
		r.moved = nil
	}
	for _, id := range dead {
		r.tally.died(id)
		if err := r.store.gone(ctx, id); err != nil {
			r.tally.back.Add(1)
			r.t.Fail("%s: ended session %s is back: %v", r.store.name, id.Short(), err)
		}
	}
	for _, id := range r.moved {
		if _, err := r.store.store.Get(ctx, id); err != nil {
			r.t.Fail("%s: a session was renewed, and its new ID says %v", r.store.name, err)
		}
	}
	if len(r.moved) == 0 && len(dead) == 1 {
		if err := r.store.gone(ctx, r.to); err != nil {
			r.t.Fail("%s: a renewal that failed was done: %v", r.store.name, err)
		}
	}
}
