package session

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/boltsession/session/internal/record"
)

// checker checks the records of a file as it is walked in the order of keys, and whether what
// stands in one bucket agrees with another.
type checker struct {
	now    time.Time
	seed   maphash.Seed
	format formatRecords

	sessions, expired, records, encrypted int

	filed     ledger // entries of the expiry index that no session was found for
	unfiled   int    // sessions without such an entry
	users     ledger // that sessions have and the index was not seen to have
	parts     ledger // components that sessions list and that were not seen
	homeless  int    // records of components that no session lists
	leftovers int    // entries of the user index that lead to nothing

	owner ID   // the session whose metadata came last
	owes  bool // it lists the global component, whose record is to come next

	key    []byte // scratch
	bucket []byte // the name of the component under way
}

// newChecker returns a checker that says whether a file agrees, or if it is to tell, in what it
// does not: that takes twice as long, and a few megabytes per 100,000 sessions.
func newChecker(now time.Time, telling bool) *checker {
	c := &checker{now: now, seed: maphash.MakeSeed()}
	if telling {
		c.filed.open, c.users.open, c.parts.open = map[uint64]struct{}{}, map[uint64]struct{}{}, map[uint64]struct{}{}
	}
	return c
}

// ledger holds what was seen in one place against what is seen in another, by keyed hashes of 64
// bits. Without a map it only knows whether all of it is even.
type ledger struct {
	sum  uint64
	open map[uint64]struct{}
}

func (l *ledger) put(hash uint64) {
	l.sum += hash
	if l.open != nil {
		l.open[hash] = struct{}{}
	}
}

// take returns false if the hash was not put; without a map it cannot tell.
func (l *ledger) take(hash uint64) bool {
	l.sum -= hash
	if l.open == nil {
		return true
	}
	n := len(l.open)
	delete(l.open, hash)
	return len(l.open) < n
}

// has says whether a hash was put and not taken; it needs the map.
func (l *ledger) has(hash uint64) bool {
	_, ok := l.open[hash]
	return ok
}

// even says whether all indexes have exactly what they should.
func (c *checker) even() bool {
	return c.filed.sum == 0 && c.users.sum == 0 && c.parts.sum == 0 && c.unfiled == 0
}

// visit is a boltfile.Visitor. The buckets come in the order of their names: expiry, format,
// sessions, in it the global component first, users.
func (c *checker) visit(path []string, key, value []byte) error {
	switch {
	case len(path) == 2 && path[0] == "sessions" && path[1] == "\x00":
		return c.global(key, value)
	case len(path) == 2 && path[0] == "sessions":
		return c.component(path[1], key, value)
	case len(path) != 1:
		return errStrange
	}
	switch path[0] {
	case "expiry":
		if _, _, ok := parseExpiryKey(key); !ok || len(value) != 0 {
			return errors.New("holds a damaged entry of the expiry index")
		}
		c.filed.put(maphash.Bytes(c.seed, key))
	case "users":
		if _, _, ok := parseUserKey(key); !ok || len(value) != 0 {
			return errors.New("holds a damaged entry of the user index")
		}
		if !c.users.take(maphash.Bytes(c.seed, key)) {
			c.leftovers++
		}
	case "format":
		c.records++
		return c.format.add(key, value)
	default:
		return errStrange
	}
	return nil
}

// errStrange: something that no store has.
var errStrange = errors.New("holds something that is no part of a store")

// global checks a record of the global bucket.
func (c *checker) global(key, value []byte) error {
	c.records++
	if len(key) != len(ID{})+1 {
		return errors.New("holds a damaged key")
	}
	id := ID(key[:len(ID{})])
	switch key[len(key)-1] {
	case dataRecord:
		if c.owes && id == c.owner {
			c.parts.take(c.part("", id[:]))
		}
		return c.values(globalBucket, key, value)
	case metaRecord:
	default:
		return errors.New("holds a damaged key")
	}
	body, err := record.Unseal(globalBucket, key, value)
	if err != nil {
		return fmt.Errorf("holds session %s, whose metadata fails its checksum", id.Short())
	}
	m, err := record.ViewMeta(body)
	if err != nil {
		return fmt.Errorf("holds session %s, whose metadata does not parse", id.Short())
	}
	c.session(id, &m)
	return nil
}

// session counts a session and looks for it in the index of deadlines, which came before.
func (c *checker) session(id ID, m *record.Meta) {
	c.sessions++
	expires := Meta{LastAccess: m.LastAccess, MaxAge: m.MaxAge, End: m.End}.ExpiresAt()
	if !c.now.Before(expires) {
		c.expired++
	}
	filed := nanos(m.Filed)
	c.key = append(binary.BigEndian.AppendUint64(c.key[:0], uint64(filed)), id[:]...)
	if filed > nanos(expires) || !c.filed.take(maphash.Bytes(c.seed, c.key)) {
		c.unfiled++
	}
	if m.User != "" {
		c.key = append(append(append(c.key[:0], m.User...), 0), id[:]...)
		c.users.put(maphash.Bytes(c.seed, c.key))
	}
	for _, name := range m.Components {
		c.parts.put(c.part(name, id[:]))
	}
	c.owner, c.owes = id, len(m.Components) > 0 && m.Components[0] == ""
}

// part returns a hash of a component of a session.
func (c *checker) part(name string, id []byte) uint64 {
	return maphash.String(c.seed, name)*0x9e3779b97f4a7c15 + maphash.Bytes(c.seed, id)
}

// component checks a record of a named component's bucket.
func (c *checker) component(name string, key, value []byte) error {
	c.records++
	if len(key) != len(ID{}) {
		return errors.New("holds a damaged key")
	}
	if !c.parts.take(c.part(name, key)) {
		c.homeless++
	}
	if string(c.bucket) != name {
		c.bucket = []byte(name)
	}
	return c.values(c.bucket, key, value)
}

// values checks a record of values.
func (c *checker) values(bucket, key, value []byte) error {
	id := ID(key[:len(ID{})])
	encrypted, err := checkValues(bucket, key, value)
	if encrypted {
		c.encrypted++
	}
	if err != nil {
		return fmt.Errorf("holds session %s, values of which %w", id.Short(), err)
	}
	return nil
}

var (
	errSum   = errors.New("fail their checksum")
	errParse = errors.New("do not parse")
)

// checkValues says what is wrong with a record of values, as far as can be told without its key
// if it is encrypted.
func checkValues(bucket, key, sealed []byte) (encrypted bool, err error) {
	var none *record.Keys
	body, err := none.Open(bucket, key, sealed)
	switch {
	case errors.Is(err, record.ErrKey):
		return true, nil
	case errors.Is(err, record.ErrChecksum):
		return false, errSum
	case err == nil:
		_, err = record.ParseMap(body)
	}
	if err != nil {
		return false, errParse
	}
	return false, nil
}

// disagreements returns what is wrong though every page and every record is right.
func (c *checker) disagreements(r boltfile.Report) (problems []string) {
	say := func(n int, text string) {
		if n > 0 {
			problems = append(problems, fmt.Sprintf(text, n))
		}
	}
	for _, name := range []string{"sessions", "sessions/\x00", "expiry", "users"} {
		if _, ok := r.Buckets[name]; !ok {
			return []string{errNoBucket.Error()}
		}
	}
	if said := r.Buckets["sessions/\x00"].Sequence; said != uint64(c.sessions) {
		problems = append(problems, fmt.Sprintf("it should have %d sessions and has %d", said, c.sessions))
	}
	say(c.unfiled, "%d sessions have no entry in the expiry index: they would never be reaped")
	say(len(c.users.open), "%d sessions are missing in the user index: logging out their user would miss them")
	say(len(c.parts.open), "%d components are missing that sessions should have")
	say(c.homeless, "%d records of components belong to no session")
	return problems
}

// report returns what was counted.
func (c *checker) report() CheckReport {
	return CheckReport{
		Sessions: c.sessions, Expired: c.expired, Records: c.records, Encrypted: c.encrypted,
		Leftovers: len(c.filed.open) + c.leftovers,
	}
}

// sortedKeys returns a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
