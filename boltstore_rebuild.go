package session

import (
	"bytes"
	"slices"

	bolt "go.etcd.io/bbolt"
)

const (
	rebuildBytes = 4 << 20 // written in one transaction
	rebuildPuts  = 1 << 14
)

// rebuild fills the file of a new store with records of an old one, in transactions of bounded
// size. Nobody uses the file meanwhile, and it is thrown away if that fails.
type rebuild struct {
	db *bolt.DB
	tx *bolt.Tx
	tables
	bytes, puts int // in tx
}

// newRebuild begins to fill an empty file.
func newRebuild(db *bolt.DB) (*rebuild, error) {
	b := &rebuild{db: db}
	if err := db.Update(createStore); err != nil {
		return b, err
	}
	return b, b.begin()
}

func (b *rebuild) begin() (err error) {
	if b.tx, err = b.db.Begin(true); err != nil {
		return err
	}
	b.bytes, b.puts = 0, 0
	b.tables, err = openTables(b.tx)
	return err
}

// commit ends the transaction under way.
func (b *rebuild) commit() error { return b.tx.Commit() }

// discard ends it after a failure; after a commit it does nothing.
func (b *rebuild) discard() {
	if b.tx != nil {
		b.tx.Rollback()
	}
}

// put stores copies of key and value, and begins a new transaction now and then: a bucket is to
// be asked for anew for each call.
func (b *rebuild) put(bucket func() (*bolt.Bucket, error), key, value []byte) error {
	if b.bytes >= rebuildBytes || b.puts >= rebuildPuts {
		if err := b.commit(); err != nil {
			return err
		}
		if err := b.begin(); err != nil {
			return err
		}
	}
	to, err := bucket()
	if err != nil {
		return err
	}
	b.bytes, b.puts = b.bytes+len(key)+len(value), b.puts+1
	return to.Put(key, append([]byte{}, value...))
}

// runRebuild is what boltfile.Build is given: it fills a new file by f.
func runRebuild(f func(*rebuild) error) func(*bolt.DB) error {
	return func(db *bolt.DB) error {
		b, err := newRebuild(db)
		defer func() { b.discard() }()
		if err != nil {
			return err
		}
		return f(b)
	}
}

// putMeta stores a session's metadata as it is.
func (b *rebuild) putMeta(id ID, sealed []byte) error {
	return b.put(func() (*bolt.Bucket, error) { return b.global, nil }, metaKey(id), sealed)
}

// putValues stores a record of a component as it is.
func (b *rebuild) putValues(component string, id ID, sealed []byte) error {
	return b.put(func() (*bolt.Bucket, error) {
		return b.sessions.CreateBucketIfNotExists(bucketName(component))
	}, dataKey(component, id), sealed)
}

// has says whether a component of a session is stored.
func (b *rebuild) has(component string, id ID) bool {
	bucket := b.component(component)
	return bucket != nil && bucket.Get(dataKey(component, id)) != nil
}

// putFormat stores records of the format bucket, so that the copy is the same store.
func (b *rebuild) putFormat(sealed map[string][]byte) error {
	for _, key := range sortedKeys(sealed) {
		err := b.put(func() (*bolt.Bucket, error) { return b.tx.Bucket(formatBucket), nil }, []byte(key), sealed[key])
		if err != nil {
			return err
		}
	}
	return nil
}

// finish builds the indexes from what is stored, strikes from the sessions those of their
// components that are lost, and counts. lostValues says whether a session that has no values in
// its global component may have had some. told is called with the number of sessions done.
func (b *rebuild) finish(lostValues func(ID) bool, told func(n int) error) (sessions, lost int, err error) {
	var from []byte
	for {
		ids := b.someIDs(from)
		if len(ids) == 0 {
			break
		}
		var index []indexEntry
		for _, id := range ids {
			m, missing, err := b.mend(id, lostValues)
			if err != nil {
				return sessions, lost, err
			}
			lost += missing
			index = append(index, indexEntry{key: expiryKey(m.filed, id)})
			if m.User != "" {
				index = append(index, indexEntry{key: userKey(m.User, id), user: true})
			}
		}
		if err := b.putIndex(index); err != nil {
			return sessions, lost, err
		}
		sessions += len(ids)
		if err := told(sessions); err != nil {
			return sessions, lost, err
		}
		last := ids[len(ids)-1]
		from = append(metaKey(last), 0)
	}
	if err := b.global.SetSequence(uint64(sessions)); err != nil {
		return sessions, lost, err
	}
	return sessions, lost, b.commit()
}

// someIDs returns the next sessions whose metadata has a key of at least from.
func (b *rebuild) someIDs(from []byte) (ids []ID) {
	c := b.global.Cursor()
	for k, _ := c.Seek(from); k != nil && len(ids) < rebuildPuts; k, _ = c.Next() {
		if isMetaKey(k) {
			ids = append(ids, ID(k[:len(ID{})]))
		}
	}
	return ids
}

// mend returns a session's metadata as it is to be: filed under its true deadline, and with the
// components that are there. It stores what that changes. missing is how many of its components are
// lost.
func (b *rebuild) mend(id ID, lostValues func(ID) bool) (m *storedMeta, missing int, err error) {
	was, err := b.find(id)
	if err != nil {
		return nil, 0, err
	}
	next := *was
	next.filed = nanos(was.ExpiresAt())
	next.names = slices.DeleteFunc(slices.Clone(was.names), func(name string) bool { return !b.has(name, id) })
	missing = len(was.names) - len(next.names)
	if next.global = b.has("", id); !next.global && (was.global || lostValues(id)) {
		missing++
	}
	if was.equal(&next) {
		return &next, missing, nil
	}
	return &next, missing, b.putMeta(id, next.seal(nil, id))
}

// indexEntry is an entry of the index of deadlines, or of users.
type indexEntry struct {
	key  []byte
	user bool
}

// putIndex stores entries in order, which is several times faster than without.
func (b *rebuild) putIndex(entries []indexEntry) error {
	slices.SortFunc(entries, func(a, b indexEntry) int { return bytes.Compare(a.key, b.key) })
	for _, e := range entries {
		err := b.put(func() (*bolt.Bucket, error) {
			if e.user {
				return b.users, nil
			}
			return b.expiry, nil
		}, e.key, nil)
		if err != nil {
			return err
		}
	}
	return nil
}
