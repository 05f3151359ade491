package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

// rekeyed calls Rekey and fails the test unless it reports want.
func rekeyed(t testing.TB, b *BoltStore, want RekeyReport) {
	t.Helper()
	if r, err := b.Rekey(t.Context()); r != want || err != nil {
		t.Errorf("Rekey = %+v, %v, want %+v", r, err, want)
	}
}

func TestRekeyRotates(t *testing.T) {
	const n = 300 // more than a page, and more than a chunk
	path := filledFile(t, keyed(1), n)
	b := openBoltAt(t, path, keyed(2, 1))
	fillStore(t, b, n, 10)
	rekeyed(t, b, RekeyReport{Records: 2*n + 20, Rewritten: 2 * n})
	if done := b.Stats().Rekeyed; done != 2*n+20 {
		t.Errorf("Stats says %d records", done)
	}
	commits := b.Stats().Commits
	rekeyed(t, b, RekeyReport{Records: 2*n + 20})
	if now := b.Stats().Commits; now != commits {
		t.Errorf("%d commits with nothing to do", now-commits)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wantCovers(t, path, map[record.Cover]int{record.Current: 2*n + 20}, 2)
	checkSecrets(t, openBoltAt(t, path, keyed(2)), 0, n+10)
}

// TestRekeyThenCompact: of what was in clear nothing is left in the file.
func TestRekeyThenCompact(t *testing.T) {
	path := filledFile(t, nil, 300)
	b := openBoltAt(t, path, keyed(1))
	rekeyed(t, b, RekeyReport{Records: 600, Rewritten: 600})
	if !bytes.Contains(read(t, path), []byte(secret)) {
		t.Error("free pages have no value before Compact: the test could not fail")
	}
	if err := errors.Join(b.Compact(t.Context()), b.Close()); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(read(t, path), []byte(secret)) {
		t.Error("a value is in the file")
	}
	checkSecrets(t, openBoltAt(t, path, keyed(1)), 0, 300)
}

func TestRekeyRefused(t *testing.T) {
	path := filledFile(t, keyed(1), 1)
	b := openBoltAt(t, path, nil)
	if _, err := b.Rekey(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("without keys: %v", err)
	}
	b.Close()
	if _, err := b.Rekey(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	ro := keyed(2, 1)
	ro.ReadOnly = true
	if _, err := openBoltAt(t, path, ro).Rekey(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("read only: %v", err)
	}
}

// TestRekeyLocked: what is under a key that was not given is left, and the rest is done.
func TestRekeyLocked(t *testing.T) {
	path := filledFile(t, keyed(1), 5)
	b := openBoltAt(t, path, keyed(2))
	fillStore(t, b, 5, 5)
	b.Close()
	b = openBoltAt(t, path, keyed(3, 2))
	want := RekeyReport{Records: 20, Rewritten: 10, Locked: 10}
	if r, err := b.Rekey(t.Context()); r != want || !errors.Is(err, ErrEncrypted) {
		t.Errorf("Rekey = %+v, %v", r, err)
	}
	b.Close()
	wantCovers(t, path, map[record.Cover]int{record.Current: 10, record.Foreign: 10}, 3)
	checkSecrets(t, openBoltAt(t, path, keyed(3, 1)), 0, 10)
}

// TestRekeyDamaged ends sessions that cannot be right, as reading them would, and goes on.
func TestRekeyDamaged(t *testing.T) {
	path := filledFile(t, keyed(1), 5)
	tamper(t, path, func(tab tables) error {
		one, two := dataKey("", testID(1)), dataKey("cart", testID(2))
		torn := bytes.Clone(tab.global.Get(one))
		torn[30] ^= 1
		cart := tab.component("cart")
		forged := bytes.Clone(cart.Get(two))
		forged[40] ^= 1
		return errors.Join(tab.global.Put(one, torn), cart.Put(two, resealed([]byte("cart"), two, forged)))
	})
	b := openBoltAt(t, path, keyed(2, 1))
	ended := map[ID]Reason{}
	b.OnDestroy(func(id ID, r Reason) { ended[id] = r })
	r, err := b.Rekey(t.Context())
	if r.Damaged != 2 || r.Locked != 0 || err != nil {
		t.Errorf("Rekey = %+v, %v", r, err)
	}
	if !maps.Equal(ended, map[ID]Reason{testID(1): Damaged, testID(2): Damaged}) {
		t.Errorf("ended: %v", ended)
	}
	b.Close()
	wantCovers(t, path, map[record.Cover]int{record.Current: 6}, 2)
	last := openBoltAt(t, path, keyed(2))
	checkSecrets(t, last, 0, 1)
	checkSecrets(t, last, 3, 2)
}

// TestRekeyResumes goes on where an earlier run was interrupted or found no room.
func TestRekeyResumes(t *testing.T) {
	path := filledFile(t, keyed(1), 300)
	ctx, cancel := context.WithCancel(t.Context())
	opts, commits := keyed(2, 1), 0
	opts.commit = func(tx *bolt.Tx) error {
		switch commits++; commits {
		case 2:
			cancel()
		case 4:
			return noRoom(tx)
		}
		return tx.Commit()
	}
	b := openBoltAt(t, path, opts)
	first, err := b.Rekey(ctx)
	if !errors.Is(err, context.Canceled) || first.Rewritten != 2*reapChunk {
		t.Fatalf("Rekey = %+v, %v", first, err)
	}
	second, err := b.Rekey(t.Context())
	if !errors.Is(err, ErrFull) || second.Rewritten != 44 { // the last of the global component
		t.Fatalf("Rekey = %+v, %v", second, err)
	}
	rekeyed(t, b, RekeyReport{Records: 600, Rewritten: 300})
	b.Close()
	checkSecrets(t, openBoltAt(t, path, keyed(2)), 0, 300)
}

// TestRekeyLosesNoSave: others save, create, renew and destroy meanwhile.
func TestRekeyLosesNoSave(t *testing.T) {
	bothModes(t, func(t *testing.T, opts BoltOptions) {
		const n, savers = 400, 8
		path := filledFile(t, nil, n)
		opts.Keys = keyed(2, 1).Keys
		b := openBoltAt(t, path, &opts)
		var stop atomic.Bool
		var wg sync.WaitGroup
		last := make([]map[int]int, savers) // what each saver saved last, by session
		for w := range savers {
			last[w] = map[int]int{}
			wg.Go(func() { saveUntil(t, b, &stop, w, savers, n, last[w]) })
		}
		r, err := b.Rekey(t.Context())
		stop.Store(true)
		wg.Wait()
		if err != nil || r.Locked > 0 || r.Damaged > 0 {
			t.Errorf("Rekey = %+v, %v", r, err)
		}
		checkSecrets(t, b, 0, n)
		for w := range savers {
			for i, want := range last[w] {
				s, err := b.Get(t.Context(), testID(i))
				if err != nil {
					t.Fatal(err)
				}
				if got, _ := Key[int]("saved").Get(s); got != want {
					t.Errorf("session %d has %d, want %d", i, got, want)
				}
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if c := fileCovers(t, path, 2); len(c) != 1 || c[record.Current] < 2*n {
			t.Errorf("records by cover: %v", c)
		}
	})
}

// saveUntil saves every savers-th session, again and again, and makes and moves others.
func saveUntil(t *testing.T, b *BoltStore, stop *atomic.Bool, w, savers, n int, last map[int]int) {
	for round := 1; !stop.Load(); round++ {
		for i := w; i < n && !stop.Load(); i += savers {
			s, err := b.Get(t.Context(), testID(i))
			if err != nil {
				t.Error(err)
				return
			}
			s.Set("saved", round)
			if err := s.Save(t.Context()); err != nil {
				t.Error(err)
				return
			}
			last[i] = round
		}
		from, to := TokenID(fmt.Sprint("from", w, round)), TokenID(fmt.Sprint("to", w, round))
		if err := errors.Join(b.Renew(t.Context(), create(t, b, from), to), b.Destroy(t.Context(), to)); err != nil {
			t.Error(err)
			return
		}
	}
}

// TestRekeyBackup: a copy that is made in between is whole, with both keys.
func TestRekeyBackup(t *testing.T) {
	path := filledFile(t, keyed(1), 300)
	copied := filepath.Join(t.TempDir(), "copy.db")
	opts, commits := keyed(2, 1), 0
	reached, resume := make(chan struct{}), make(chan struct{})
	opts.commit = func(tx *bolt.Tx) error {
		if commits++; commits == 3 {
			close(reached)
			<-resume
		}
		return tx.Commit()
	}
	b := openBoltAt(t, path, opts)
	done := make(chan struct{})
	go func() {
		defer close(done)
		rekeyed(t, b, RekeyReport{Records: 600, Rewritten: 600})
	}()
	<-reached
	if err := b.Backup(t.Context(), copied); err != nil {
		t.Error(err)
	}
	close(resume)
	<-done
	wantCovers(t, copied, map[record.Cover]int{record.Current: 2 * reapChunk, record.Former: 600 - 2*reapChunk}, 2, 1)
	checkSecrets(t, openBoltAt(t, copied, keyed(2, 1)), 0, 300)
}
