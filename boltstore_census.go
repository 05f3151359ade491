package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/boltsession/session/internal/record"
)

// census counts what the verification of a file sees, to compare it with what the file says. It
// looks at what has no checksum, the keys and the indexes, since nothing else would before they are
// needed: whoever logs a user out trusts the index to have all the user's sessions.
type census struct {
	seed     maphash.Seed
	sessions uint64
	strays   uint64 // records of values without a session: the session would be served without them
	last     []byte // the session whose metadata came last
	filed    ledger // entries of the expiry index that no session was seen to have
	unfiled  int    // sessions without one, as far as filed can tell
	users    ledger // that sessions have and the index was not seen to have
	key      []byte // scratch
}

func newCensus() *census { return &census{seed: maphash.MakeSeed()} }

// visit is a boltfile.Visitor. The buckets come in the order of their names: expiry, sessions, users.
func (c *census) visit(path []string, key, value []byte) error {
	switch {
	case len(path) == 1 && path[0] == "expiry":
		c.filed.put(maphash.Bytes(c.seed, key))
	case len(path) == 2 && path[0] == "sessions" && path[1] == "\x00":
		c.record(key, value)
	case len(path) == 1 && path[0] == "users":
		c.users.take(maphash.Bytes(c.seed, key))
	}
	return nil
}

// record counts a record of the global bucket, in which a session's values come after its metadata.
func (c *census) record(key, value []byte) {
	if len(key) != len(ID{})+1 {
		return
	}
	id := key[:len(ID{})]
	if !isMetaKey(key) {
		if !bytes.Equal(id, c.last) {
			c.strays++
		}
		return
	}
	c.sessions++
	c.last = append(c.last[:0], id...)
	filed, user := record.MetaIndexed(value)
	c.key = append(binary.BigEndian.AppendUint64(c.key[:0], uint64(filed)), id...)
	if !c.filed.take(maphash.Bytes(c.seed, c.key)) {
		c.unfiled++
	}
	if len(user) > 0 {
		c.key = append(append(append(c.key[:0], user...), 0), id...)
		c.users.put(maphash.Bytes(c.seed, c.key))
	}
}

// check returns why the file cannot be right as a whole, though each of its pages is. A session
// without an entry in the expiry index would never go.
func (c *census) check(file *boltfile.File) error {
	r := file.Report()
	switch said := r.Buckets["sessions/\x00"].Sequence; {
	case said != c.sessions:
		return fmt.Errorf("it should have %d sessions and has %d", said, c.sessions)
	case r.Buckets["expiry"].Keys < c.sessions:
		return fmt.Errorf("its expiry index has %d entries for %d sessions", r.Buckets["expiry"].Keys, c.sessions)
	case c.strays > 0:
		return fmt.Errorf("values of %d sessions have no session", c.strays)
	case c.filed.sum == 0 && c.users.sum == 0:
		return nil
	}
	return checkIndexes(file.Path())
}

// checkIndexes returns an error if sessions are missing in the indexes. These may have more: what a
// crash left over, and of a session whose metadata cannot be read nobody knows whose it was.
func checkIndexes(path string) error {
	c := newCensus()
	c.filed.open, c.users.open = map[uint64]struct{}{}, map[uint64]struct{}{}
	_, err := boltfile.Verify(context.Background(), path, func(path []string, key, value []byte) error {
		if len(path) == 2 && isMetaKey(key) {
			if _, err := record.Unseal(globalBucket, key, value); err != nil {
				return nil // it ends when it is read
			}
		}
		return c.visit(path, key, value)
	})
	switch {
	case err != nil:
		return err
	case c.unfiled > 0:
		return fmt.Errorf("%d sessions have no entry in the expiry index: they would never be reaped", c.unfiled)
	case len(c.users.open) > 0:
		return fmt.Errorf("%d sessions are missing in the user index: logging out their user would miss them", len(c.users.open))
	}
	return nil
}
