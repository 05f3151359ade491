//go:build linux

// Package naive is a session store as one would write it on bbolt in an afternoon. Negative controls
// run on it.
package naive

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"iter"
	"maps"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/boltsession/session"
)

// Store is a bucket, a record per session as JSON, a db.Update per change. It has no verifier, no checksums, and takes a failed commit for
// one that was rolled back. Negative controls run on it: what it loses, a trial must see.
type Store struct{ db *bolt.DB }

var bucket = []byte("sessions")

// Record is what is stored of a session.
type Record struct {
	Meta       session.Meta
	Salt       []byte
	Components map[string]map[string][]byte
}

// Open opens or makes a file.
func Open(path string) (*Store, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: time.Second, NoFreelistSync: true, FreelistType: bolt.FreelistMapType,
		InitialMmapSize: 256 << 20, // a write that has to map more would wait for readers
	})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	return &Store{db: db}, err
}

// Create implements session.Store.
func (n *Store) Create(_ context.Context, id session.ID) (*session.Session, error) {
	now := time.Now()
	return session.NewSession(n, id, session.Meta{
		Created:    now,
		LastAccess: now,
		End:        now.Add(session.DefaultLifetime),
		MaxAge:     session.DefaultMaxAge,
		Salt:       []byte(rand.Text())[:16],
	}), nil
}

// Get implements session.Store.
func (n *Store) Get(_ context.Context, id session.ID, _ ...string) (s *session.Session, err error) {
	err = n.db.View(func(tx *bolt.Tx) error {
		r, err := get(tx, id)
		if err != nil {
			return err
		}
		s = session.LoadSession(n, id, r.Meta, r.Components)
		return nil
	})
	return s, err
}

// Save implements session.Store.
func (n *Store) Save(_ context.Context, s *session.Session) error {
	ch := s.Changes()
	err := n.db.Update(func(tx *bolt.Tx) error {
		r, err := get(tx, ch.ID)
		if err != nil && !ch.New {
			return err
		}
		if ch.Meta != nil {
			r.Meta, r.Salt = *ch.Meta, ch.Meta.Salt
		}
		r.Merge(ch.Components)
		data, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return tx.Bucket(bucket).Put(ch.ID[:], data)
	})
	if err == nil {
		s.Saved(ch)
	}
	return err
}

// All lists the sessions as session.Lister's does, in one transaction.
func (n *Store) All(context.Context) iter.Seq2[session.Info, error] {
	return func(yield func(session.Info, error) bool) {
		err := n.db.View(func(tx *bolt.Tx) error {
			c := tx.Bucket(bucket).Cursor()
			for k, v := c.First(); k != nil; k, v = c.Next() {
				var r Record
				if err := json.Unmarshal(v, &r); err != nil {
					return err
				}
				if !yield(session.Info{ID: session.ID(k), Meta: r.Meta}, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			yield(session.Info{}, err)
		}
	}
}

// Destroy implements session.Store.
func (n *Store) Destroy(_ context.Context, id session.ID) error {
	return n.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucket).Delete(id[:]) })
}

// Records returns how many sessions are stored.
func (n *Store) Records() (count int) {
	n.db.View(func(tx *bolt.Tx) error {
		count = tx.Bucket(bucket).Stats().KeyN
		return nil
	})
	return count
}

// Relax has nothing synced any more, for controls in which no disk plays a part.
func (n *Store) Relax() { n.db.NoSync = true }

// Close implements session.Store.
func (n *Store) Close() error { return n.db.Close() }

func get(tx *bolt.Tx, id session.ID) (Record, error) {
	r := Record{Components: map[string]map[string][]byte{}}
	data := tx.Bucket(bucket).Get(id[:])
	if data == nil {
		return r, session.ErrNotFound
	}
	err := json.Unmarshal(data, &r)
	r.Meta.Salt = r.Salt
	return r, err
}

// Merge makes changes to the components.
func (r *Record) Merge(changes map[string]session.ComponentChanges) {
	for name, c := range changes {
		if c.Clear || r.Components[name] == nil {
			r.Components[name] = map[string][]byte{}
		}
		for _, key := range c.Removed {
			delete(r.Components[name], key)
		}
		maps.Copy(r.Components[name], c.Set)
	}
}
