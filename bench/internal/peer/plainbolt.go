package peer

import (
	"encoding/binary"
	"time"

	bolt "go.etcd.io/bbolt"
)

// plainBolt is a store for scs of the shape that scs/boltstore has: one bucket, each value 8 bytes
// of expiry and scs's blob, a transaction per commit. It copies what it reads before the
// transaction ends.
type plainBolt struct{ db *bolt.DB }

var plainBucket = []byte("sessions")

func newPlainBolt(db *bolt.DB) (*plainBolt, error) {
	err := db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(plainBucket)
		return err
	})
	return &plainBolt{db}, err
}

// Find implements scs.Store.
func (s *plainBolt) Find(token string) (blob []byte, found bool, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		v := tx.Bucket(plainBucket).Get([]byte(token))
		if v != nil && !plainExpired(v, time.Now()) {
			blob, found = append([]byte(nil), v[8:]...), true
		}
		return nil
	})
	return blob, found, err
}

// Commit implements scs.Store.
func (s *plainBolt) Commit(token string, blob []byte, expiry time.Time) error {
	return s.db.Update(func(tx *bolt.Tx) error { return putPlain(tx, token, blob, expiry) })
}

// Delete implements scs.Store.
func (s *plainBolt) Delete(token string) error {
	return s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(plainBucket).Delete([]byte(token)) })
}

// All implements scs.IterableStore.
func (s *plainBolt) All() (map[string][]byte, error) {
	all, now := map[string][]byte{}, time.Now()
	err := s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(plainBucket).ForEach(func(k, v []byte) error {
			if !plainExpired(v, now) {
				all[string(k)] = append([]byte(nil), v[8:]...)
			}
			return nil
		})
	})
	return all, err
}

// cleanUp deletes the expired sessions: a full scan, in one transaction.
func (s *plainBolt) cleanUp() (n int, err error) {
	err = s.db.Update(func(tx *bolt.Tx) error {
		var due [][]byte
		b, now := tx.Bucket(plainBucket), time.Now()
		err := b.ForEach(func(k, v []byte) error {
			if plainExpired(v, now) {
				due = append(due, append([]byte(nil), k...))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, k := range due {
			if err := b.Delete(k); err != nil {
				return err
			}
		}
		n = len(due)
		return nil
	})
	return n, err
}

func putPlain(tx *bolt.Tx, token string, blob []byte, expiry time.Time) error {
	v := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(blob)), uint64(expiry.UnixNano()))
	return tx.Bucket(plainBucket).Put([]byte(token), append(v, blob...))
}

func plainExpired(v []byte, now time.Time) bool {
	return uint64(now.UnixNano()) > binary.BigEndian.Uint64(v)
}
