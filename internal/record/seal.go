package record

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// The first byte of a record. The envelope is the same in all versions, so that a record of a
// later one is told from a damaged one, and an encrypted one can be checked without its key.
const (
	version          = 1 // the body follows in clear
	versionEncrypted = 2 // see [Keys.Seal]
)

// castagnoli is the table of CRC-32C, which processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal appends to dst the record of body: the version byte, the body, and in big endian a
// CRC-32C over bucket, key, version and body. Bucket and key are where the record is going to
// stand, so that an undamaged record in a wrong place is found too.
func Seal(dst, bucket, key, body []byte) []byte {
	start := len(dst)
	dst = slices.Grow(dst, 1+len(body)+crc32.Size)
	dst = append(append(dst, version), body...)
	return binary.BigEndian.AppendUint32(dst, checksum(bucket, key, dst[start:]))
}

// Unseal returns the body of the record that [Seal] made for bucket and key, a subslice of rec.
// It returns ErrChecksum if the record is not whole or not from there, ErrVersion if it is
// whole but of another version, encrypted ones included.
func Unseal(bucket, key, rec []byte) (body []byte, err error) {
	content, err := verify(bucket, key, rec)
	if err != nil {
		return nil, err
	}
	if content[0] != version {
		return nil, unknownVersion(content)
	}
	return content[1:], nil
}

// verify returns a record without its checksum, which it compares: the version byte and what
// follows. It has at least the former.
func verify(bucket, key, rec []byte) (content []byte, err error) {
	end := len(rec) - crc32.Size
	if end < 1 || checksum(bucket, key, rec[:end]) != binary.BigEndian.Uint32(rec[end:]) {
		return nil, torn(rec)
	}
	return rec[:end:end], nil
}

func torn(rec []byte) error {
	return fmt.Errorf("unseal record of %d bytes: %w", len(rec), ErrChecksum)
}

func unknownVersion(content []byte) error {
	return fmt.Errorf("unseal record of version %d: %w", content[0], ErrVersion)
}

// checksum covers the lengths of bucket and key, so that no byte can pass from one to the next.
func checksum(bucket, key, content []byte) uint32 {
	crc := checksumLen(0, len(bucket))
	crc = crc32.Update(crc, castagnoli, bucket)
	crc = checksumLen(crc, len(key))
	crc = crc32.Update(crc, castagnoli, key)
	return crc32.Update(crc, castagnoli, content)
}

// checksumLen adds n as four big-endian bytes. It goes through the table itself: a slice handed
// to crc32.Update would be allocated.
func checksumLen(crc uint32, n int) uint32 {
	crc = ^crc
	for shift := 24; shift >= 0; shift -= 8 {
		crc = castagnoli[byte(crc)^byte(n>>shift)] ^ crc>>8
	}
	return ^crc
}
