package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// The buckets of a store's file; docs/format.md says what is in them. They are never changed.
var (
	formatBucket   = []byte("format")
	sessionsBucket = []byte("sessions")
	expiryBucket   = []byte("expiry")
	usersBucket    = []byte("users")

	// The global component has no name, and a bucket must have one. No component's name has a
	// NUL, so none collides with this.
	globalBucket = []byte{0}
)

// In the global bucket a session has two records, side by side so that they share a page.
const (
	metaRecord = 0x00
	dataRecord = 0x01
)

// errNoBucket: the file lacks a bucket that every store has.
var errNoBucket = errors.New("a bucket of the store is missing")

// bucketName returns the name of a component's bucket in the sessions bucket.
func bucketName(component string) []byte {
	if component == "" {
		return globalBucket
	}
	return []byte(component)
}

// metaKey returns the key of a session's metadata in the global bucket.
func metaKey(id ID) []byte { return append(id[:len(id):len(id)], metaRecord) }

// isMetaKey says whether a key of the global bucket is that of metadata.
func isMetaKey(key []byte) bool { return len(key) == len(ID{})+1 && key[len(key)-1] == metaRecord }

// dataKey returns the key of a session's values in a component's bucket.
func dataKey(component string, id ID) []byte {
	if component == "" {
		return append(id[:len(id):len(id)], dataRecord)
	}
	return id[:]
}

// expiryKey returns the key under which a session stands in the index of deadlines.
func expiryKey(deadline int64, id ID) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(id)), uint64(deadline))
	return append(key, id[:]...)
}

// parseExpiryKey reads what expiryKey made.
func parseExpiryKey(key []byte) (deadline int64, id ID, ok bool) {
	if len(key) != 8+len(id) {
		return 0, id, false
	}
	copy(id[:], key[8:])
	return int64(binary.BigEndian.Uint64(key)), id, true
}

// userKey returns the key under which a session stands in the index of users.
func userKey(user string, id ID) []byte { return append(userPrefix(user), id[:]...) }

// parseUserKey reads what userKey made.
func parseUserKey(key []byte) (user []byte, id ID, ok bool) {
	end := len(key) - len(id)
	if end < 2 || bytes.IndexByte(key, 0) != end-1 {
		return nil, id, false
	}
	copy(id[:], key[end:])
	return key[:end-1], id, true
}

// userPrefix returns what the keys of a user's sessions begin with. Names have no NUL, so no
// user's prefix begins with another's.
func userPrefix(user string) []byte { return append([]byte(user), 0) }

// nanos returns t in nanoseconds since 1970, kept between there and the year 2262, so that as
// bytes they are in the order of time.
func nanos(t time.Time) int64 {
	switch s := t.Unix(); {
	case s < 0:
		return 0
	case s >= math.MaxInt64/int64(time.Second):
		return math.MaxInt64
	}
	return t.UnixNano()
}
