package session

import (
	"bytes"

	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

// tables are the buckets of one transaction that a session is kept in.
type tables struct {
	sessions *bolt.Bucket // one bucket per component
	global   *bolt.Bucket // the one of the global component; its sequence counts the sessions
	expiry   *bolt.Bucket
	users    *bolt.Bucket

	keys *record.Keys // of the values; nil: they are in clear
}

// openTables returns the buckets of a transaction, without keys.
func openTables(tx *bolt.Tx) (t tables, err error) {
	t.sessions, t.expiry, t.users = tx.Bucket(sessionsBucket), tx.Bucket(expiryBucket), tx.Bucket(usersBucket)
	if t.sessions != nil {
		t.global = t.sessions.Bucket(globalBucket)
	}
	if t.global == nil || t.expiry == nil || t.users == nil {
		return t, errNoBucket
	}
	return t, nil
}

// createTables makes the buckets of an empty store.
func createTables(tx *bolt.Tx) error {
	sessions, err := tx.CreateBucket(sessionsBucket)
	if err != nil {
		return err
	}
	if _, err := sessions.CreateBucket(globalBucket); err != nil {
		return err
	}
	if _, err := tx.CreateBucket(expiryBucket); err != nil {
		return err
	}
	_, err = tx.CreateBucket(usersBucket)
	return err
}

// rawSession is the two records of a session in the global bucket. They are bbolt's memory.
type rawSession struct {
	meta []byte // nil: there is no such session
	data []byte // nil: the global component is empty
}

// findRaw finds a session's records with one descent of the tree.
func findRaw(global *bolt.Bucket, id ID) (raw rawSession) {
	c := global.Cursor()
	k, v := c.Seek(metaKey(id))
	if len(k) != len(id)+1 || !bytes.Equal(k[:len(id)], id[:]) || k[len(id)] != metaRecord {
		return rawSession{}
	}
	raw.meta = v
	k, v = c.Next()
	raw.follow(id, k, v)
	return raw
}

// follow takes the record that comes after a session's metadata: its values, or another session's
// metadata. Anything else is what is left of values whose key was damaged while the file was open,
// and the session is damaged: it must not be taken for one without values.
func (r *rawSession) follow(id ID, k, v []byte) (isData bool) {
	switch {
	case len(k) == len(id)+1 && bytes.Equal(k[:len(id)], id[:]) && k[len(id)] == dataRecord:
		r.data = v
		return true
	case k != nil && (!isMetaKey(k) || bytes.Compare(k, id[:]) < 0): // zeros look like metadata, too
		r.meta = []byte{} // no checksum fits
	}
	return false
}

// component returns a component's bucket, nil if no session has the component.
func (t *tables) component(name string) *bolt.Bucket {
	if name == "" {
		return t.global
	}
	return t.sessions.Bucket(bucketName(name))
}

// find returns a session's metadata; nil if there is no such session.
func (t *tables) find(id ID) (*storedMeta, error) {
	found, err := t.findWhole(id)
	return found.storedMeta, err
}

// foundSession is what a transaction has of a session: its metadata, and its values.
type foundSession struct {
	*storedMeta        // nil: there is no such session
	data        []byte // the record of the global component, nil: there is none; bbolt's memory
}

// findWhole is find for one who may need the values, too. They are not looked for again.
func (t *tables) findWhole(id ID) (found foundSession, err error) {
	raw := findRaw(t.global, id)
	if raw.meta == nil {
		return foundSession{}, nil
	}
	found.data = raw.data
	found.storedMeta, err = parseMeta(id, raw.meta)
	return found, err
}

// read returns the values of a component of a session that was found. What its metadata lists must be
// there. They are bbolt's memory.
func (t *tables) read(id ID, found foundSession, component string) (values record.Map, err error) {
	sealed := found.data
	if component != "" {
		sealed = nil
		if b := t.component(component); b != nil {
			sealed = b.Get(dataKey(component, id))
		}
	}
	if sealed != nil {
		values, err = parseValues(t.keys, component, id, sealed)
	}
	if err == nil && values == nil && found.has(component) {
		err = errMissing
	}
	return values, err
}
