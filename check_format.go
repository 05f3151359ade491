package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/boltsession/session/internal/record"
)

// formatRecords are the records of the format bucket of a file that is read without bbolt.
type formatRecords struct {
	sealed   map[string][]byte // copies, whole and with valid checksums
	version  uint32
	readable bool   // the version is known
	ours     bool   // there is a version, or its remains
	feature  string // one that this version does not know
}

// add takes a record.
func (f *formatRecords) add(key, sealed []byte) error {
	f.ours = f.ours || bytes.Equal(key, versionKey)
	body, err := record.Unseal(formatBucket, key, sealed)
	if err != nil {
		return errors.New("holds a record of the format that fails its checksum")
	}
	switch {
	case bytes.Equal(key, encryptionKey):
	case bytes.HasPrefix(key, featurePrefix):
		f.feature = string(key[len(featurePrefix):])
	case bytes.Equal(key, versionKey) && len(body) == 4:
		f.version, f.readable = binary.BigEndian.Uint32(body), true
	}
	if f.sealed == nil {
		f.sealed = map[string][]byte{}
	}
	f.sealed[string(key)] = bytes.Clone(sealed)
	return nil
}

// mark adds that records may be encrypted. What says so in the file may be lost.
func (f *formatRecords) mark() {
	if f.sealed == nil {
		f.sealed = map[string][]byte{}
	}
	f.sealed[string(encryptionKey)] = record.Seal(nil, formatBucket, encryptionKey, nil)
}

// check says whether the file is a store that this version can use.
func (f *formatRecords) check() error {
	switch {
	case !f.ours:
		return fmt.Errorf("%w: a bbolt file of another program", ErrFormat)
	case !f.readable:
		return nil // it is damaged, which add said
	case f.version != formatVersion:
		return fmt.Errorf("%w that this program knows: its format is version %d, use a newer program", ErrFormat, f.version)
	case f.feature != "":
		return fmt.Errorf("%w that this program knows: it requires %q, use a newer program", ErrFormat, f.feature)
	}
	return nil
}
