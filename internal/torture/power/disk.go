//go:build linux

package power

import (
	"io/fs"
	"path/filepath"
	"slices"
)

// An inode is a file, a directory or a socket of a traced process, whatever names it has.
type inode struct {
	mode fs.FileMode
}

// An effect is what a system call does to a disk. One that changes something can be on disk as soon
// as it has begun, whole or in part, and is for certain after a sync of the same file, or of the
// directory, that began when it had ended, has ended.
type effect struct {
	begin, end int
	change     change

	ino     *inode            // whose bytes or size change, or are synced
	off     int64             // where the bytes go
	data    []byte            // which
	size    int64             // the new size
	atLeast bool              // of changeSize: a longer file keeps its size
	names   map[string]*inode // the new entries of directories; nil for a name that goes
	dir     string            // that is synced
}

type change int

const (
	changeBytes change = iota
	changeSize
	changeNames
	syncFile
	syncDir
)

// place is when an effect counts: a sync only when it is over.
func (e *effect) place() int {
	if e.change == syncFile || e.change == syncDir {
		return e.end
	}
	return e.begin
}

// A disk is what the system calls of a recording make of an empty one, up to some place: what is on
// it for certain, and what may be.
type disk struct {
	ignore  bool // the syncs of files: they do nothing
	files   map[*inode][]byte
	names   map[string]*inode
	pending []*effect // what may be on disk, in the order of its beginning
	rest    []*effect // what comes, in the order of its places
}

func newDisk(effects []*effect, ignoreSyncs bool) *disk {
	rest := slices.Clone(effects)
	slices.SortStableFunc(rest, func(a, b *effect) int { return a.place() - b.place() })
	return &disk{ignore: ignoreSyncs, files: make(map[*inode][]byte), names: make(map[string]*inode), rest: rest}
}

// advance has all happen that comes before a place.
func (d *disk) advance(place int) {
	for len(d.rest) > 0 && d.rest[0].place() < place {
		e := d.rest[0]
		d.rest = d.rest[1:]
		switch e.change {
		case syncFile:
			if !d.ignore {
				d.settle(e, func(p *effect) bool { return p.ino == e.ino })
			}
		case syncDir:
			d.settleNames(e)
		default:
			d.pending = append(d.pending, e)
		}
	}
}

// settle puts what a sync covers on disk for certain.
func (d *disk) settle(sync *effect, covers func(*effect) bool) {
	left := d.pending[:0]
	for _, p := range d.pending {
		if p.end < sync.begin && covers(p) {
			d.files[p.ino] = p.apply(d.files[p.ino])
		} else {
			left = append(left, p)
		}
	}
	clear(d.pending[len(left):])
	d.pending = left
}

// settleNames puts the entries of one directory on disk. What a rename does in another one is not.
func (d *disk) settleNames(sync *effect) {
	left := d.pending[:0]
	for _, p := range d.pending {
		if p.change != changeNames || p.end >= sync.begin {
			left = append(left, p)
			continue
		}
		others := *p
		others.names = make(map[string]*inode)
		for name, ino := range p.names {
			if filepath.Dir(name) == sync.dir {
				setName(d.names, name, ino)
			} else {
				others.names[name] = ino
			}
		}
		if len(others.names) > 0 {
			left = append(left, &others)
		}
	}
	d.pending = left
}

// apply returns a file's bytes with those of the effect.
func (e *effect) apply(data []byte) []byte {
	if e.change == changeSize {
		if e.atLeast && e.size <= int64(len(data)) {
			return data
		}
		return resized(data, e.size)
	}
	if end := e.off + int64(len(e.data)); end > int64(len(data)) {
		data = resized(data, end)
	}
	copy(data[e.off:], e.data)
	return data
}

// resized returns data cut or filled up with zeros.
func resized(data []byte, size int64) []byte {
	if size <= int64(len(data)) {
		return data[:size:size]
	}
	if size <= int64(cap(data)) {
		clear(data[len(data):size])
		return data[:size]
	}
	return append(data, make([]byte, size-int64(len(data)))...)
}

func setName(names map[string]*inode, name string, ino *inode) {
	if ino == nil {
		delete(names, name)
	} else {
		names[name] = ino
	}
}
