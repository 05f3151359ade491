package session

import (
	"bytes"
	"slices"
	"strings"

	"github.com/boltsession/session/internal/boltfile"
)

// losses are the parts of a tree that are lost.
type losses struct {
	list  []boltfile.Lost
	spans map[string][]span // by the path of a bucket; nil: to be made from list
}

// span is the keys of a bucket from lo up to but without hi; nil is no bound.
type span struct{ lo, hi []byte }

// add adds a loss, which may be of bbolt's memory.
func (l *losses) add(lost boltfile.Lost) {
	lost.Path = slices.Clone(lost.Path)
	lost.Lo, lost.Hi = bytes.Clone(lost.Lo), bytes.Clone(lost.Hi)
	l.list = append(l.list, lost)
	l.spans = nil
}

// cover says whether a key of a bucket may have been in what is lost.
func (l *losses) cover(key []byte, path ...string) bool {
	if len(l.list) == 0 {
		return false
	}
	if l.spans == nil {
		l.spans = map[string][]span{}
	}
	at := strings.Join(path, "/")
	spans, ok := l.spans[at]
	if !ok {
		spans = l.of(path)
		l.spans[at] = spans
	}
	i, exact := slices.BinarySearchFunc(spans, key, func(s span, key []byte) int { return bytes.Compare(s.lo, key) })
	if exact {
		return true
	}
	return i > 0 && (spans[i-1].hi == nil || bytes.Compare(key, spans[i-1].hi) < 0)
}

// of returns what is lost of a bucket, in order and without overlaps.
func (l *losses) of(path []string) []span {
	var spans []span
	for _, lost := range l.list {
		if s, ok := lostOf(lost, path); ok {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return bytes.Compare(a.lo, b.lo) })
	merged := spans[:0]
	for _, s := range spans {
		if n := len(merged); n > 0 && (merged[n-1].hi == nil || bytes.Compare(s.lo, merged[n-1].hi) <= 0) {
			if last := &merged[n-1]; last.hi != nil && (s.hi == nil || bytes.Compare(s.hi, last.hi) > 0) {
				last.hi = s.hi
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// lostOf returns what a loss means for a bucket: keys of it, or all of it because it is in a part
// that is lost, or one key, because that was taken for a bucket.
func lostOf(lost boltfile.Lost, path []string) (span, bool) {
	n := min(len(lost.Path), len(path))
	if !slices.Equal(lost.Path[:n], path[:n]) {
		return span{}, false
	}
	switch {
	case len(lost.Path) == len(path):
		return span{lost.Lo, lost.Hi}, true
	case len(lost.Path) > len(path):
		key := []byte(lost.Path[n])
		return span{key, append(key[:len(key):len(key)], 0)}, true
	}
	name := []byte(path[n])
	in := bytes.Compare(name, lost.Lo) >= 0 && (lost.Hi == nil || bytes.Compare(name, lost.Hi) < 0)
	return span{}, in
}

// gaps finds what is lost of a bucket because records fail their checksum: the keys of such are
// not to be believed either, so it is all between the good ones before and after.
type gaps struct {
	lost *losses
	path []string
	good []byte
	open bool
}

// see takes the next record of a walk.
func (g *gaps) see(f boltfile.Found, sound bool) {
	if !slices.Equal(g.path, f.Path) {
		g.close(nil)
		g.path, g.good = slices.Clone(f.Path), nil
	}
	if !sound {
		g.open = true
		return
	}
	g.close(f.Key)
	g.good = append(g.good[:0], f.Key...)
}

// close ends the gap before hi.
func (g *gaps) close(hi []byte) {
	if !g.open {
		return
	}
	g.open = false
	var lo []byte
	if len(g.good) > 0 {
		lo = g.good
	}
	g.lost.add(boltfile.Lost{Path: g.path, Lo: lo, Hi: hi, Problem: "records fail their checksum"})
}
