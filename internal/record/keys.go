package record

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
)

// KeySize is the length of a master key in bytes.
const KeySize = 32

// What an encrypted record has before the ciphertext, behind the version byte, and what the
// ciphertext has besides the body: a nonce before it, a tag behind it.
const (
	keyIDSize = 8
	saltSize  = 16
	nonceSize = 12
	tagSize   = 16

	headSize = 1 + keyIDSize + saltSize
)

// EncryptedOverhead is what a record encrypted by [Keys.Seal] has besides its body.
const EncryptedOverhead = headSize + nonceSize + tagSize + crc32.Size

// The contexts that keys are derived for (the info of RFC 5869 §2.3); the salt follows the second.
const (
	infoKeyID  = "session key id"
	infoRecord = "session record key "
)

// Keys are the master keys of encrypted records: the first one seals, all of them open. nil
// Keys seal in clear, and open only what is in clear. They are safe for concurrent use.
type Keys struct{ all []masterKey }

// masterKey is what is kept of a master key. The key itself is not.
type masterKey struct {
	id  []byte // names the key in records and tells nothing of it
	prk []byte // RFC 5869 §2.2: what the keys of records are derived from
}

// NewKeys returns Keys for master keys, which are random bytes and not kept; nil for none. It
// says which of them has not got [KeySize] bytes.
func NewKeys(masters [][]byte) (*Keys, error) {
	if len(masters) == 0 {
		return nil, nil
	}
	k := &Keys{all: make([]masterKey, len(masters))}
	for i, master := range masters {
		if len(master) != KeySize {
			return nil, fmt.Errorf("key %d has %d bytes, a key has %d", i+1, len(master), KeySize)
		}
		prk, err := hkdf.Extract(sha256.New, master, nil)
		if err != nil {
			return nil, fmt.Errorf("derive from key %d: %w", i+1, err)
		}
		k.all[i] = masterKey{prk: prk}
		k.all[i].id = k.all[i].derive(infoKeyID, keyIDSize)
	}
	return k, nil
}

// derive returns size bytes for a context.
func (m *masterKey) derive(info string, size int) []byte {
	key, err := hkdf.Expand(sha256.New, m.prk, info, size)
	if err != nil {
		panic(err) // only a size beyond 8160 bytes is an error
	}
	return key
}

// aead returns the cipher of one record: AES-256-GCM under a key of its own, so that no number
// of records exhausts the nonces of a key.
func (m *masterKey) aead(salt []byte) cipher.AEAD {
	block, err := aes.NewCipher(m.derive(infoRecord+string(salt), KeySize))
	if err != nil {
		panic(err) // only a key of another length is an error
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only a cipher that is not AES is an error
	}
	return aead
}

// Seal appends to dst the record of body for bucket and key, encrypted with the first key:
// version, key ID, a random salt, what AES-256-GCM makes of body, and the same checksum over all of
// it as [Seal] appends. A record cannot be put in another's place.
func (k *Keys) Seal(dst, bucket, key, body []byte) []byte {
	if k == nil {
		return Seal(dst, bucket, key, body)
	}
	start, first := len(dst), &k.all[0]
	dst = slices.Grow(dst, EncryptedOverhead+len(body))
	dst = append(append(dst, versionEncrypted), first.id...)
	salt := dst[len(dst) : len(dst)+saltSize]
	rand.Read(salt)
	dst = dst[:len(dst)+saltSize]
	dst = first.aead(salt).Seal(dst, nil, body, associated(bucket, key, dst[start:]))
	return binary.BigEndian.AppendUint32(dst, checksum(bucket, key, dst[start:]))
}

// Open returns the body of a record that Seal made for bucket and key, with these keys or in
// clear; a subslice of rec if it was in clear. The errors are those of [Unseal], ErrKey if none
// of the keys is the record's, ErrForged if the record is not as that key made it.
func (k *Keys) Open(bucket, key, rec []byte) (body []byte, err error) {
	content, err := verify(bucket, key, rec)
	switch {
	case err != nil:
		return nil, err
	case content[0] == version:
		return content[1:], nil
	}
	m, err := k.of(content)
	if err != nil {
		return nil, err
	}
	head, sealed := content[:headSize], content[headSize:]
	body, err = m.aead(head[1+keyIDSize:]).Open(nil, nil, sealed, associated(bucket, key, head))
	if err != nil {
		return nil, fmt.Errorf("open record: %w", ErrForged)
	}
	return body, nil
}

// of returns the key of an encrypted record whose checksum is right.
func (k *Keys) of(content []byte) (*masterKey, error) {
	switch {
	case content[0] != versionEncrypted:
		return nil, unknownVersion(content)
	case len(content) < EncryptedOverhead-crc32.Size:
		return nil, fmt.Errorf("open record of %d bytes: %w", len(content), ErrMalformed)
	}
	if k != nil {
		for i := range k.all {
			if bytes.Equal(k.all[i].id, content[1:1+keyIDSize]) {
				return &k.all[i], nil
			}
		}
	}
	return nil, fmt.Errorf("open record: %w", ErrKey)
}

// Cover says how a record is protected, as far as can be told without decrypting it.
type Cover int

// The covers.
const (
	Clear   Cover = iota // not encrypted
	Current              // by the first key
	Former               // by another one of the keys
	Foreign              // by a key that was not given
)

// Cover checks that a record is whole and from bucket and key, and says how it is protected. nil
// Keys do. The errors are those of [Unseal], and ErrMalformed for what Seal cannot have made.
func (k *Keys) Cover(bucket, key, rec []byte) (Cover, error) {
	content, err := verify(bucket, key, rec)
	if err != nil || content[0] == version {
		return Clear, err
	}
	m, err := k.of(content)
	switch {
	case m == nil && errors.Is(err, ErrKey):
		return Foreign, nil
	case err != nil:
		return Clear, err
	case m == &k.all[0]:
		return Current, nil
	}
	return Former, nil
}

// associated returns what an encrypted record is bound to: its place, and what it begins with.
// Lengths are part of it, so that no byte can pass from one to the next.
func associated(bucket, key, head []byte) []byte {
	data := make([]byte, 0, 8+len(bucket)+len(key)+len(head))
	data = append(binary.BigEndian.AppendUint32(data, uint32(len(bucket))), bucket...)
	data = append(binary.BigEndian.AppendUint32(data, uint32(len(key))), key...)
	return append(data, head...)
}
