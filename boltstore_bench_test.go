package session

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	bolt "go.etcd.io/bbolt"
)

// benchSessions is how many sessions a store has while it is measured.
const benchSessions = 10_000

func benchStore(b *testing.B, opts *BoltOptions) *BoltStore {
	b.Helper()
	store := openBolt(b, opts)
	createMany(b, store, benchSessions, func(i int, s *Session) {
		for k := range 6 {
			s.Set(fmt.Sprint("key ", k), "a value of some length")
		}
	})
	b.ResetTimer()
	b.ReportAllocs()
	return store
}

func BenchmarkBoltStoreGet(b *testing.B) {
	store := benchStore(b, nil)
	ids := benchIDs()
	for i := 0; b.Loop(); i++ {
		if _, err := store.Get(context.Background(), ids[i%benchSessions]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBoltStoreLoad(b *testing.B) {
	store := benchStore(b, nil)
	ids := benchIDs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := store.load(ids[i%benchSessions], nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncryptedLoad is to be held against BenchmarkBoltStoreLoad.
func BenchmarkEncryptedLoad(b *testing.B) {
	store := benchStore(b, keyed(1))
	ids := benchIDs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := store.load(ids[i%benchSessions], nil); err != nil {
			b.Fatal(err)
		}
	}
}

func benchIDs() []ID {
	ids := make([]ID, benchSessions)
	for i := range ids {
		ids[i] = testID(i)
	}
	return ids
}

// saveOne stores one key of a session.
func saveOne(b *testing.B, store *BoltStore, id ID, n uint64) {
	value := binary.BigEndian.AppendUint64([]byte{0x1b}, n|1<<63)
	ch := Changes{ID: id, Components: map[string]ComponentChanges{"": {Set: map[string][]byte{"n": value}}}}
	if err := store.commit(context.Background(), ch); err != nil {
		b.Error(err)
	}
}

// BenchmarkBoltStoreSaveAlone is to be held against BenchmarkRawPut.
func BenchmarkBoltStoreSaveAlone(b *testing.B) {
	store := benchStore(b, nil)
	ids := benchIDs()
	for i := 0; b.Loop(); i++ {
		saveOne(b, store, ids[i%benchSessions], uint64(i))
	}
}

// BenchmarkEncryptedSaveAlone is to be held against BenchmarkBoltStoreSaveAlone.
func BenchmarkEncryptedSaveAlone(b *testing.B) {
	store := benchStore(b, keyed(1))
	ids := benchIDs()
	for i := 0; b.Loop(); i++ {
		saveOne(b, store, ids[i%benchSessions], uint64(i))
	}
}

// BenchmarkRawPut puts as many bytes into a bucket of as many keys.
func BenchmarkRawPut(b *testing.B) {
	f, err := boltfile.Open(context.Background(), filepath.Join(b.TempDir(), "raw.db"), boltfile.Options{
		Init: func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("raw")); return err },
	})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	ids, value := benchIDs(), make([]byte, 280)
	err = f.DB().Update(func(tx *bolt.Tx) error {
		for _, id := range ids {
			if err := tx.Bucket([]byte("raw")).Put(id[:], value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		err := f.DB().Update(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("raw")).Put(ids[i%benchSessions][:], value)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBoltStoreSaveParallel(b *testing.B) {
	for _, opts := range []BoltOptions{{}, {SyncEvery: time.Second}} {
		for _, savers := range []int{8, 64} {
			b.Run(fmt.Sprint(opts.SyncEvery, "/", savers), func(b *testing.B) {
				store := benchStore(b, &opts)
				ids := benchIDs()
				var n atomic.Uint64
				before := store.Stats()
				b.SetParallelism(savers / runtime.GOMAXPROCS(0))
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						i := n.Add(1)
						saveOne(b, store, ids[i*7919%benchSessions], i)
					}
				})
				after := store.Stats()
				b.ReportMetric(float64(after.Ops-before.Ops)/float64(max(1, after.Commits-before.Commits)), "ops/commit")
			})
		}
	}
}

// BenchmarkCommitter is the committer without the disk: what a save costs beside its fdatasyncs.
func BenchmarkCommitter(b *testing.B) {
	store := benchStore(b, &BoltOptions{commit: func(tx *bolt.Tx) error {
		tx.DB().NoSync = true // only the committer writes
		return tx.Commit()
	}})
	ids := benchIDs()
	var n atomic.Uint64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			saveOne(b, store, ids[i*7919%benchSessions], i)
		}
	})
}

func BenchmarkBoltStoreTouch(b *testing.B) {
	store, ctx := benchStore(b, nil), context.Background()
	ids, at := benchIDs(), time.Now()
	for i := 0; b.Loop(); i++ {
		if i%1000 == 0 {
			at = time.Now() // a request has it
		}
		store.Touch(ctx, ids[i%benchSessions], at)
	}
}

func BenchmarkBoltStoreLength(b *testing.B) {
	store := benchStore(b, nil)
	for b.Loop() {
		if n, err := store.Length(context.Background()); n != benchSessions || err != nil {
			b.Fatal(n, err)
		}
	}
}
