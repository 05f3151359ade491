package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

type chaosFail struct{ on atomic.Bool }

func (c *chaosFail) commit(tx *bolt.Tx) error {
	if c.on.Load() {
		switch rand.IntN(60) {
		case 0:
			return syncFailed(tx)
		case 1:
			return syncFailedAfterAll(tx)
		case 2, 3, 4, 5:
			return noRoom(tx)
		case 6:
			return panics2(tx)
		}
	}
	return tx.Commit()
}
func panics2(tx *bolt.Tx) error { panic("boom") }

// Each worker owns its sessions, so it knows what must be there.
func chaos(t *testing.T, opts BoltOptions, d time.Duration) {
	cf := new(chaosFail)
	opts.commit = cf.commit
	dir := privateDir(t)
	path := filepath.Join(dir, "sessions.db")
	b := openBoltAtUnchecked(t, path, &opts)
	cf.on.Store(true)
	stop := make(chan struct{})
	time.AfterFunc(d, func() { close(stop) })
	ctx := context.Background()
	type state struct {
		n     int // last acked
		maybe int // last tried
		gone  int // 0 alive, 1 surely ended, 2 unknown
		user  string
	}
	const workers = 24
	finals := make([]map[ID]*state, workers)
	var wg sync.WaitGroup
	var counts [8]atomic.Int64
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), uint64(time.Now().UnixNano())))
			mine := map[ID]*state{}
			finals[w] = mine
			var ids []ID
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if len(ids) == 0 || r.IntN(4) == 0 {
					id := testID(w*1_000_000 + i)
					s := NewSession(b, id, newMeta(time.Now(), time.Hour, time.Hour))
					s.Set("n", 1)
					st := &state{n: 0, maybe: 1, user: fmt.Sprint("u", w, "-", r.IntN(5))}
					s.SetUser(st.user)
					err := s.Save(ctx)
					if err == nil {
						st.n = 1
					} else if errors.Is(err, ErrUncertain) {
						st.gone = 2
					} else {
						st.gone = 2
						st.gone = 1
					}
					mine[id] = st
					if st.gone == 0 {
						ids = append(ids, id)
					}
					continue
				}
				k := r.IntN(len(ids))
				id := ids[k]
				st := mine[id]
				s, err := b.Get(ctx, id)
				if errors.Is(err, ErrNotFound) {
					if st.gone == 0 {
						t.Errorf("acked session %s gone (n=%d)", id.Short(), st.n)
						st.gone = 1
					}
					ids = append(ids[:k], ids[k+1:]...)
					continue
				}
				if err != nil {
					continue
				}
				if st.gone == 1 {
					t.Errorf("ended session %s is back", id.Short())
				}
				if n, _ := Key[int]("n").Get(s); n < st.n || n > st.maybe {
					t.Errorf("n=%d, acked %d tried %d", n, st.n, st.maybe)
				}
				switch r.IntN(12) {
				case 0:
					err := b.Destroy(ctx, id)
					counts[0].Add(1)
					if errors.Is(err, ErrFailed) || err == nil || errors.Is(err, ErrFull) || errors.Is(err, ErrUncertain) {
						st.gone = 1
					} else {
						t.Error("destroy:", err)
					}
				case 1:
					to := testID(w*1_000_000 + i + 500_000_000)
					s.Set("n", st.maybe+1)
					st.maybe++
					err := b.Renew(ctx, s, to)
					counts[1].Add(1)
					ns := *st
					switch {
					case err == nil:
						ns.n = ns.maybe
						st.gone = 1
						mine[to] = &ns
						ids = append(ids[:k], ids[k+1:]...)
						ids = append(ids, to)
					case errors.Is(err, ErrUncertain):
						st.gone = 2
						ids = append(ids[:k], ids[k+1:]...)
					case errors.Is(err, ErrNotFound):
						t.Errorf("renew of a live session: %v", err)
					}
				case 2:
					n, err := b.DestroyUser(ctx, st.user)
					counts[2].Add(1)
					for id2, st2 := range mine {
						if st2.user == st.user && st2.gone == 0 {
							if err == nil {
								st2.gone = 1
							} else {
								st2.gone = 2
							}
							_ = id2
						}
					}
					_ = n
				case 3:
					b.touch(id, time.Now(), time.Millisecond)
				case 4:
					if infos, err := b.ByUser(ctx, st.user); err == nil && st.gone == 0 {
						found := false
						for _, in := range infos {
							found = found || in.ID == id
						}
						if !found {
							t.Logf("ByUser misses %s", id.Short())
						}
					}
				default:
					s.Set("n", st.maybe+1)
					st.maybe++
					err := s.Save(ctx)
					counts[3].Add(1)
					switch {
					case err == nil:
						st.n = st.maybe
					case errors.Is(err, ErrNotFound) && st.gone == 0:
						t.Errorf("save of a live session: %v", err)
					}
				}
			}
		})
	}
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
			p := filepath.Join(dir, fmt.Sprint("b", i))
			if err := b.Backup(ctx, p); err == nil {
				counts[4].Add(1)
				os.Remove(p)
			}
			if err := b.Compact(ctx); err == nil {
				counts[5].Add(1)
			}
			b.Reap(ctx)
			b.Length(ctx)
		}
	})
	wg.Wait()
	cf.on.Store(false)
	for i := 0; b.Stats().Refused > 0 || b.Stats().Failed || b.Stats().Pending > 0; i++ {
		time.Sleep(20 * time.Millisecond)
		if i > 1000 {
			t.Fatalf("not settled: %+v", b.Stats())
		}
	}
	t.Logf("%+v", b.Stats())
	if err := b.Close(); err != nil {
		t.Error("close", err)
	}
	checkBolt(t, path)
	again := openBoltAt(t, path, nil)
	for _, mine := range finals {
		for id, st := range mine {
			s, err := again.Get(ctx, id)
			switch {
			case err == nil && st.gone == 1 && st.n > 0:
				t.Errorf("ended session %s is back after reopen", id.Short())
			case err == nil && st.gone == 1:
				t.Errorf("session %s whose creation failed cleanly is there", id.Short())
			case err != nil && st.gone == 0:
				t.Errorf("acked session %s lost: %v", id.Short(), err)
			case err == nil && st.gone == 0:
				if n, _ := Key[int]("n").Get(s); n < st.n || n > st.maybe {
					t.Errorf("after reopen n=%d, acked %d tried %d", n, st.n, st.maybe)
				}
			}
		}
	}
	t.Log("destroys", counts[0].Load(), "renews", counts[1].Load(), "users", counts[2].Load(), "saves", counts[3].Load(), "backups", counts[4].Load(), "compacts", counts[5].Load())
}

func TestChaosDurable(t *testing.T) { chaos(t, BoltOptions{}, 8*time.Second) }
func TestChaosSync(t *testing.T) {
	chaos(t, BoltOptions{SyncEvery: 15 * time.Millisecond}, 8*time.Second)
}
