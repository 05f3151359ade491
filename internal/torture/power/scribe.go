//go:build linux

package power

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// The names of a scribe's session values.
const (
	lifeKey   = session.Key[string]("life")
	genKey    = session.Key[int]("gen")
	nKey      = session.Key[int]("n")
	dataKey   = session.Key[string]("data")
	moreName  = "more"
	storeName = "sessions.db"
	sharedID  = "shared"
)

// tokenOf is a session's token: who has a life's name and a generation finds its session.
func tokenOf(life string, gen int) string { return fmt.Sprintf("%s/%d", life, gen) }

// dataOf is what is stored with a number. Some of it needs pages of its own.
func dataOf(life string, n int) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", life, n)
	sum := h.Sum64()
	size := 50 + int(sum%2500)
	if n%19 == 7 {
		size += 20_000 + int(sum%20_000)
	}
	word := fmt.Sprintf("%016x", sum)
	return strings.Repeat(word, size/len(word)+1)[:size]
}

// A workload is what a scribe does.
type workload struct {
	Name      string // of the writers, who are others than those before
	Seed      uint64
	Writers   int
	Deeds     int           // of each writer
	Pause     time.Duration // after each of them, about
	SyncEvery time.Duration
	MaxSize   int64         // the smaller, the smaller the steps in which the file grows
	NoExpiry  bool          // sessions end in other ways only
	Maintain  time.Duration // between two reaps, after which there is a backup and a compaction at first
	Backups   int
	Compacts  int
}

// A scribe works on a store and tells it in a chronicle.
type scribe struct {
	workload
	teller
	store *session.BoltStore
	dir   string
}

// playScribe is a role: its arguments are a directory, a chronicle and a workload.
func playScribe(args []string) error {
	s := scribe{dir: args[0]}
	if err := json.Unmarshal([]byte(args[2]), &s.workload); err != nil {
		return err
	}
	file, err := os.Create(args[1])
	if err != nil {
		return err
	}
	defer file.Close()
	s.teller = teller{file}
	if err := s.open(); err != nil {
		return err
	}
	if err := errors.Join(s.work(context.Background()), s.store.Close()); err != nil {
		return err
	}
	return s.tell("closed")
}

func (s *scribe) open() (err error) {
	s.store, err = session.Open(filepath.Join(s.dir, storeName), &session.BoltOptions{
		Reap: session.Never, SyncEvery: s.SyncEvery, TouchInterval: 50 * time.Millisecond, MaxSize: s.MaxSize, Logger: silent(),
	})
	return err
}

func silent() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// work has the writers work, and the others meanwhile.
func (s *scribe) work(ctx context.Context) error {
	err := s.share(ctx)
	if err != nil {
		return err
	}
	var writers, others sync.WaitGroup
	errs := make(chan error, s.Writers+2)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	for i := range s.Writers {
		writers.Go(func() { errs <- s.newWriter(i).work(ctx) })
	}
	others.Go(func() { errs <- s.maintain(ctx) })
	others.Go(func() { errs <- s.tick(ctx) })
	writers.Wait()
	stop()
	others.Wait()
	close(errs)
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

// share makes the session that all write to, unless it is there.
func (s *scribe) share(ctx context.Context) error {
	shared, err := s.store.Create(ctx, session.TokenID(sharedID))
	if errors.Is(err, session.ErrExists) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(lifeKey.Set(shared, sharedID), s.store.Save(ctx, shared))
}

// tick tells that the machine has not stood still.
func (s *scribe) tick(ctx context.Context) error {
	for {
		if err := s.tell("tick"); err != nil {
			return err
		}
		if !pauseFor(ctx, tickTime) {
			return nil
		}
	}
}

const tickTime = 20 * time.Millisecond

// pauseFor waits, and says false when ctx ends before.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// maintain reaps, backs up and compacts while the writers work.
func (s *scribe) maintain(ctx context.Context) error {
	always := context.WithoutCancel(ctx)
	for round := 0; pauseFor(ctx, s.Maintain); round++ {
		err := s.do("all", deed{what: "reap"}, func() error { _, err := s.store.Reap(always); return err })
		if err == nil && round < s.Compacts {
			err = s.do("file", deed{what: "compact"}, func() error { return s.store.Compact(always) })
		}
		if name := fmt.Sprintf("backup-%s%d.db", s.Name, round); err == nil && round < s.Backups {
			err = s.do(name, deed{what: "backup"}, func() error { return s.store.Backup(always, filepath.Join(s.dir, name)) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A scribeWriter leads one life after the other, and writes in the session that all share.
type scribeWriter struct {
	*scribe
	key     string // in the shared session
	sharedN int
	shared  *session.Session
	rand    *rand.Rand

	lives  int
	name   string           // of the life
	s      *session.Session // nil: it has ended
	gen, n int
}

func (s *scribe) newWriter(i int) *scribeWriter {
	w := &scribeWriter{scribe: s, key: fmt.Sprintf("%s%d", s.Name, i), rand: rand.New(rand.NewPCG(s.Seed, uint64(i)))}
	w.next()
	return w
}

// next begins another life.
func (w *scribeWriter) next() {
	w.lives++
	w.name, w.s, w.gen, w.n = fmt.Sprintf("%s.%d", w.key, w.lives), nil, 0, 0
}

func (w *scribeWriter) work(ctx context.Context) (err error) {
	ctx = context.WithoutCancel(ctx)
	if w.shared, err = w.store.Get(ctx, session.TokenID(sharedID)); err != nil {
		return err
	}
	for range w.Deeds {
		if err := w.deed(ctx); err != nil {
			return err
		}
		if w.Pause > 0 {
			pauseFor(ctx, w.Pause/2+time.Duration(w.rand.Int64N(int64(w.Pause))))
		}
	}
	return nil
}

// deed does one thing.
func (w *scribeWriter) deed(ctx context.Context) error {
	if w.s == nil {
		return w.create(ctx)
	}
	switch r := w.rand.IntN(100); {
	case r < 55:
		return w.save(ctx, "save")
	case r < 65:
		w.store.Touch(ctx, w.s.ID(), time.Now())
		return w.save(ctx, "save")
	case r < 80:
		return w.share(ctx)
	case r < 88:
		return w.renew(ctx)
	case r < 95 || w.NoExpiry:
		return w.destroy(ctx)
	default:
		return w.expire(ctx)
	}
}
