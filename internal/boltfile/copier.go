package boltfile

import (
	"go.etcd.io/bbolt"
)

const (
	copyBytes = 1 << 20 // copied in one transaction
	copyKeys  = 1 << 14
	// copyFill leaves some room on each page: on full ones the next change to any record would
	// split its page in two halves.
	copyFill = 0.9
)

// copier copies buckets in key order, in transactions of bounded size.
type copier struct {
	dst     *bbolt.DB
	stop    func() error
	tx      *bbolt.Tx
	bytes   int    // in tx
	pending int    // keys in tx
	keys    uint64 // in all
	commits int
}

// copy copies all buckets of src and stores the freelist, so that the copy opens fast.
func (c *copier) copy(src *bbolt.Tx) (err error) {
	if c.tx, err = c.dst.Begin(true); err != nil {
		return err
	}
	defer func() { c.tx.Rollback() }() // does nothing after a commit
	err = src.ForEach(func(name []byte, b *bbolt.Bucket) error {
		return c.bucket(nil, name, b)
	})
	if err != nil {
		return err
	}
	if err := c.stop(); err != nil {
		return err
	}
	c.dst.NoFreelistSync = false
	if err := c.tx.Commit(); err != nil {
		return err
	}
	return secondMeta(c.dst)
}

// secondMeta makes the other meta page lead to the same state: in a file with one commit it still
// leads to an empty one, to which bbolt would go back if the first were damaged.
func secondMeta(db *bbolt.DB) error {
	return db.Update(func(*bbolt.Tx) error { return nil })
}

// bucket copies src to the bucket name within path.
func (c *copier) bucket(path [][]byte, name []byte, src *bbolt.Bucket) error {
	dst, err := c.create(path, name)
	if err != nil {
		return err
	}
	if err := dst.SetSequence(src.Sequence()); err != nil {
		return err
	}
	path = append(path[:len(path):len(path)], name)
	dst, at := c.find(path), c.commits
	return src.ForEach(func(k, v []byte) error {
		if v == nil {
			return c.bucket(path, k, src.Bucket(k))
		}
		if err := c.commitIfFull(); err != nil {
			return err
		}
		if at != c.commits { // dst belongs to a transaction that has ended
			dst, at = c.find(path), c.commits
		}
		c.bytes, c.pending, c.keys = c.bytes+len(k)+len(v), c.pending+1, c.keys+1
		return dst.Put(k, v)
	})
}

// create makes the bucket name within path.
func (c *copier) create(path [][]byte, name []byte) (*bbolt.Bucket, error) {
	if err := c.commitIfFull(); err != nil {
		return nil, err
	}
	c.bytes, c.pending = c.bytes+len(name), c.pending+1
	if len(path) == 0 {
		return c.tx.CreateBucket(name)
	}
	return c.find(path).CreateBucket(name)
}

// find returns the bucket at path in the transaction under way.
func (c *copier) find(path [][]byte) *bbolt.Bucket {
	b := c.tx.Bucket(path[0])
	for _, name := range path[1:] {
		b = b.Bucket(name)
	}
	b.FillPercent = copyFill
	return b
}

// commitIfFull ends a transaction that is large enough and begins the next.
func (c *copier) commitIfFull() (err error) {
	if c.bytes < copyBytes && c.pending < copyKeys {
		return nil
	}
	if err = c.stop(); err != nil {
		return err
	}
	if err = c.tx.Commit(); err != nil {
		return err
	}
	c.bytes, c.pending = 0, 0
	c.commits++
	next, err := c.dst.Begin(true)
	if err == nil {
		c.tx = next
	}
	return err
}
