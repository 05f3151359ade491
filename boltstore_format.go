package session

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

// formatVersion is the version of the layout of buckets, keys and records. A version that older
// programs cannot use safely raises it, or adds a feature that they must know.
const formatVersion = 1

// The keys of the format bucket. Their values are records.
var (
	versionKey = []byte("version") // 4 bytes, big endian
	idKey      = []byte("id")      // 16 random bytes: which store this is
	createdKey = []byte("created") // 8 bytes, big endian: nanoseconds since 1970

	// A key with this prefix names a feature without which the file cannot be used.
	featurePrefix = []byte("requires/")
	encryptionKey = []byte("requires/encryption") // records of components may be encrypted
)

// createStore fills the file of a new store.
func createStore(tx *bolt.Tx) error {
	format, err := tx.CreateBucket(formatBucket)
	if err != nil {
		return err
	}
	id := make([]byte, 16)
	rand.Read(id)
	for _, e := range []struct{ key, value []byte }{
		{versionKey, binary.BigEndian.AppendUint32(nil, formatVersion)},
		{idKey, id},
		{createdKey, binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))},
	} {
		if err := format.Put(e.key, record.Seal(nil, formatBucket, e.key, e.value)); err != nil {
			return err
		}
	}
	return createTables(tx)
}

// checkFormat says whether a file is a store that this version can use.
func checkFormat(tx *bolt.Tx) error {
	format := tx.Bucket(formatBucket)
	if format == nil {
		return fmt.Errorf("%w: a bbolt file of another program", ErrFormat)
	}
	version, err := record.Unseal(formatBucket, versionKey, format.Get(versionKey))
	if err != nil || len(version) != 4 {
		return fmt.Errorf("%w: a bbolt file of another program, or its format record is damaged", ErrFormat)
	}
	if v := binary.BigEndian.Uint32(version); v != formatVersion {
		return fmt.Errorf("%w that this program knows: its format is version %d, use a newer program", ErrFormat, v)
	}
	c := format.Cursor()
	for k, _ := c.Seek(featurePrefix); bytes.HasPrefix(k, featurePrefix); k, _ = c.Next() {
		if bytes.Equal(k, encryptionKey) {
			continue
		}
		return fmt.Errorf("%w that this program knows: it requires %q, use a newer program", ErrFormat, k[len(featurePrefix):])
	}
	return nil
}
