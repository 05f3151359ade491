//go:build linux

package damage

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/boltsession/session"
)

// livingRequest is a file of a stock that is damaged while a store has it open.
type livingRequest struct {
	Path  string
	Stock stock
	Kind  int // of damageKinds
	Seed  uint64
	Then  int // what is done after reading
}

// What is done after reading.
const (
	thenNothing = iota
	thenWrite
	thenFail // have a commit fail, then write
	thens
)

// A lived is what such a store did, if the process lived to tell.
type lived struct {
	Reads, Found int
	Errors       map[string]int // of reads, by kind
	Writes       map[string]int // by kind of error, "" for those that worked
	Wrong        []string
}

// playLiving is the process whose stores have their files damaged.
func playLiving([]string) error {
	return answerAll(os.Stdin, os.Stdout, func(q livingRequest) (lived, error) {
		ctx := context.Background()
		store, err := openStock(q.Path, q.Stock, false, io.Discard)
		if err != nil {
			return lived{}, err
		}
		if err := damageOpen(q); err != nil {
			return lived{}, err
		}
		s := &surveyor{surveyRequest: surveyRequest{Stock: q.Stock}, ctx: ctx, found: map[int]bool{}}
		s.Errors, s.Writes = map[string]int{}, map[string]int{}
		s.readAll(store)
		s.listOpen(store.(*session.BoltStore))
		if q.Then == thenFail {
			if err := withoutRoom(func() { s.save(store, newVersion) }); err != nil {
				return lived{}, err
			}
		}
		if q.Then != thenNothing {
			s.save(store, newVersion)
			s.wrote("Destroy", store.Destroy(ctx, q.Stock.id(0)))
			closeWithin(store, 5*time.Second)
		}
		return lived{q.Stock.Sessions, len(s.found), s.Errors, s.Writes, s.Wrong}, nil
	})
}

// withoutRoom calls f while this process can write nothing behind the first page of a file.
func withoutRoom(f func()) error {
	signal.Ignore(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: was.Max}); err != nil {
		return err
	}
	f()
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was)
}

// closeWithin closes a store, which tries for a while to get a damaged file open again.
func closeWithin(store session.Store, wait time.Duration) {
	done := make(chan struct{})
	go func() { defer close(done); store.Close() }()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// listOpen lists, which has to end without more than an error.
func (s *surveyor) listOpen(store *session.BoltStore) {
	for _, err := range store.All(s.ctx) {
		if err != nil {
			s.failed("All", err)
		}
	}
	if _, err := store.Length(s.ctx); err != nil {
		s.failed("Length", err)
	}
	if _, err := store.ByUser(s.ctx, "user 1"); err != nil {
		s.failed("ByUser", err)
	}
}

// damageOpen damages a file in place: what has it mapped sees it.
func damageOpen(q livingRequest) error {
	image, err := os.ReadFile(q.Path)
	if err != nil {
		return err
	}
	a, err := dissect(image)
	if err != nil {
		return err
	}
	damaged := damageKinds[q.Kind].do(rand.New(rand.NewPCG(q.Seed, 0)), bytes.Clone(image[:a.pages*a.pageSize]), a.pageSize)
	f, err := os.OpenFile(q.Path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if len(damaged) < a.pages*a.pageSize {
		return f.Truncate(int64(len(damaged)))
	}
	if _, err := f.WriteAt(damaged, 0); err != nil {
		return fmt.Errorf("damage: %w", err)
	}
	return nil
}
