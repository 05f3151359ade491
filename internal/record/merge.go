package record

import "slices"

// MapOf returns the Map of values, which [Encode] returned, under keys of valid UTF-8. Keys or
// values of another kind make a Map that does not parse.
func MapOf(values map[string][]byte) Map { return Map(nil).Merge(true, values, nil) }

// Merge returns m with the keys in set set and those in removed removed, after removing all if
// clear is true; a key in both is set. It leaves m as it is, shares no memory with it or with
// set, and asks of set what [MapOf] asks of its values.
func (m Map) Merge(clear bool, set map[string][]byte, removed []string) Map {
	if clear {
		m = nil
	}
	added := make([]string, 0, len(set))
	size := len(m)
	for key, value := range set {
		added = append(added, key)
		size += EntrySize(key, value)
	}
	slices.SortFunc(added, compareNames)
	removed = slices.Clone(removed)
	slices.SortFunc(removed, compareNames)

	// The head can be written only once the pairs are counted. It goes right before them, into
	// room for the longest that it can get.
	room := headLen(uint64(m.Len() + len(added)))
	s := splice{out: make([]byte, room, room+size), set: set, added: added, removed: removed}
	s.run(m)

	start := room - headLen(s.count)
	appendHead(s.out[start:start], majorMap, s.count)
	return Map(s.out[start:])
}

// splice joins the pairs of a Map with changes in the same order.
type splice struct {
	out     []byte
	count   uint64 // pairs in out
	set     map[string][]byte
	added   []string // keys of set still to be written, in order
	removed []string // keys still to be left out, in order
}

// run copies what is unchanged in whole stretches: kept is the stretch not copied yet.
func (s *splice) run(m Map) {
	e := m.entries()
	kept, size := e.rest, 0
	for e.next() {
		if !s.changes(e.key) {
			s.count++
			size += e.size
			continue
		}
		s.out = append(s.out, kept[:size]...)
		s.addBefore(e.key)
		if s.drops(e.key) {
			kept, size = e.rest, 0
			continue
		}
		s.count++
		kept, size = kept[size:], e.size
	}
	s.out = append(s.out, kept[:size]...)
	for _, key := range s.added {
		s.add(key)
	}
}

// changes says whether something happens at key or between its predecessor and key.
func (s *splice) changes(key []byte) bool {
	return len(s.added) > 0 && compareName(s.added[0], key) <= 0 ||
		len(s.removed) > 0 && compareName(s.removed[0], key) <= 0
}

// addBefore writes the new keys that come before key, or are it.
func (s *splice) addBefore(key []byte) {
	for len(s.added) > 0 && compareName(s.added[0], key) < 0 {
		s.add(s.added[0])
		s.added = s.added[1:]
	}
}

// drops says whether the pair under key goes, and writes the one that takes its place.
func (s *splice) drops(key []byte) (gone bool) {
	for len(s.removed) > 0 && compareName(s.removed[0], key) <= 0 {
		gone = s.removed[0] == string(key)
		s.removed = s.removed[1:]
	}
	if len(s.added) > 0 && s.added[0] == string(key) {
		s.add(s.added[0])
		s.added = s.added[1:]
		return true
	}
	return gone
}

func (s *splice) add(key string) {
	s.out = append(appendText(s.out, key), s.set[key]...)
	s.count++
}

// compareName is compareKeys of a string and bytes; the conversions do not allocate.
func compareName(name string, key []byte) int {
	switch {
	case len(name) != len(key):
		return len(name) - len(key)
	case name < string(key):
		return -1
	case name > string(key):
		return 1
	}
	return 0
}
