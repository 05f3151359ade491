package session

import (
	"fmt"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

// adopt makes a file the store's that was just opened.
func (b *BoltStore) adopt(file *boltfile.File) error {
	if err := b.encrypt(file); err != nil {
		return err
	}
	return b.install(file)
}

// encrypt has the file say that records in it may be encrypted, before any is. A program that
// does not know such records would take them for damaged and delete their sessions: it refuses
// the file instead. After a crash the file says so or not, and has no such record yet.
//
// A store without keys over such a file reads what is in clear, and can do all that needs no
// values. It stores none: a key that is missing in a configuration is not to show as values in
// clear, years later.
func (b *BoltStore) encrypt(file *boltfile.File) error {
	marked, err := saysEncrypted(file)
	switch {
	case err != nil:
		return &CorruptError{Path: b.path, Problem: err.Error()}
	case marked && b.opts.keys == nil:
		b.unkeyed = true
		b.log.Warn("session: the store has encrypted values and was opened without Keys: they cannot be read, and none can be stored", "file", b.path)
	case !marked && b.opts.keys != nil && !b.opts.ReadOnly:
		return b.markEncrypted(file)
	}
	return nil
}

func saysEncrypted(file *boltfile.File) (marked bool, err error) {
	err = file.View(func(tx *bolt.Tx) error {
		marked = tx.Bucket(formatBucket).Get(encryptionKey) != nil
		return nil
	})
	return marked, err
}

func (b *BoltStore) markEncrypted(file *boltfile.File) error {
	err := boltfile.Guard(func() error {
		return file.DB().Update(func(tx *bolt.Tx) error {
			return tx.Bucket(formatBucket).Put(encryptionKey, record.Seal(nil, formatBucket, encryptionKey, nil))
		})
	})
	if boltfile.IsFull(err) {
		err = fmt.Errorf("%w: %w", ErrFull, err)
	}
	if err != nil {
		return fmt.Errorf("open store %s: note that it is encrypted: %w", b.path, err)
	}
	return nil
}
