//go:build linux

package power

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// A fate says which of the effects that were not synced the power cut leaves on the disk.
type fate struct {
	kind    fateKind
	rand    *rand.Rand
	odds    float64
	chosen  int  // one of the effects
	journal bool // the file system keeps the order of names: there are no later ones without the earlier
	entries int  // how many effects on names, if so
	torn    int  // sectors that were left as they were
}

type fateKind int

const (
	fateSectors  fateKind = iota // each sector of its own
	fateWrites                   // each write whole or not
	firstOnes                    // those before the chosen one, and sectors of that
	allButOne                    // all, but of the chosen one only sectors
	numFateKinds                 // no kind
)

// newFate draws one for n effects.
func newFate(r *rand.Rand, pending []*effect) *fate {
	f := &fate{rand: r, kind: fateKind(r.IntN(int(numFateKinds))), journal: r.IntN(2) == 0}
	f.odds = []float64{0, 0.1, 0.5, 0.9, 0.99, 1}[r.IntN(6)]
	if f.kind == firstOnes || f.kind == allButOne {
		f.odds = []float64{0, 0.5, 0.9}[r.IntN(3)]
	}
	if len(pending) > 0 {
		f.chosen = r.IntN(len(pending))
	}
	names := 0
	for _, e := range pending {
		if e.change == changeNames {
			names++
		}
	}
	f.entries = r.IntN(names + 1)
	return f
}

// String describes the fate, for a report.
func (f *fate) String() string {
	s := []string{"each sector", "each write", "the first writes", "all but a write"}[f.kind]
	if f.journal {
		s += ", names in order"
	}
	return fmt.Sprintf("%s, odds %v, chosen %d", s, f.odds, f.chosen)
}

// spares says whether effect i is left: whole, or not at all, or each of its sectors with some odds.
func (f *fate) spares(i int) (whole bool, odds float64) {
	switch {
	case f.kind == fateWrites:
		return f.coin(), 0
	case f.kind == firstOnes && i != f.chosen:
		return i < f.chosen, 0
	case f.kind == allButOne && i != f.chosen:
		return true, 0
	}
	return false, f.odds
}

func (f *fate) coin() bool { return f.rand.Float64() < f.odds }

// An image is a disk after a power cut.
type image struct {
	files map[*inode][]byte
	names map[string]*inode
}

// cut returns what the disk holds if the power fails now.
func (d *disk) cut(f *fate) *image {
	img := &image{files: make(map[*inode][]byte), names: maps.Clone(d.names)}
	entries := 0
	for i, e := range d.pending {
		whole, odds := f.spares(i)
		if e.change == changeNames {
			entries++
			whole = whole || f.rand.Float64() < odds
			if f.journal {
				whole = entries <= f.entries
			}
			if whole {
				for name, ino := range e.names {
					setName(img.names, name, ino)
				}
			}
			continue
		}
		data, ok := img.files[e.ino]
		if !ok {
			data = slices.Clone(d.files[e.ino])
		}
		if whole {
			data = e.apply(data)
		} else {
			data = f.tear(e, data, odds)
		}
		img.files[e.ino] = data
	}
	for _, ino := range img.names {
		if _, ok := img.files[ino]; !ok {
			img.files[ino] = d.files[ino]
		}
	}
	return img
}

// tear returns a file's bytes with those of some sectors of the effect. The size is a sector's fate
// of its own: bytes behind it are gone, and what it gains without them is zeros.
func (f *fate) tear(e *effect, data []byte, odds float64) []byte {
	if odds == 0 {
		return data
	}
	if e.change == changeSize {
		if f.coin() {
			data = e.apply(data)
		}
		return data
	}
	if end := e.off + int64(len(e.data)); end > int64(len(data)) && f.coin() {
		data = resized(data, end)
	}
	for from := int64(0); from < int64(len(e.data)); {
		n := min(sector-(e.off+from)%sector, int64(len(e.data))-from)
		at := e.off + from
		switch {
		case f.rand.Float64() >= odds:
			f.torn++
		case at < int64(len(data)):
			copy(data[at:], e.data[from:from+n])
		}
		from += n
	}
	return data
}

// write makes the image the contents of a directory, which stands for root.
func (img *image) write(root, dir string) error {
	linked := make(map[*inode]string)
	for _, name := range slices.Sorted(maps.Keys(img.names)) { // directories before what is in them
		tail, ok := strings.CutPrefix(name, root+"/")
		to := filepath.Join(dir, tail)
		if _, err := os.Lstat(filepath.Dir(to)); !ok || err != nil {
			continue // the directory is lost
		}
		if err := img.make(img.names[name], to, linked); err != nil {
			return fmt.Errorf("make image: %w", err)
		}
	}
	return nil
}

// make makes one file.
func (img *image) make(ino *inode, to string, linked map[*inode]string) error {
	if other := linked[ino]; other != "" {
		return os.Link(other, to)
	}
	linked[ino] = to
	switch {
	case ino.mode.IsDir():
		return os.Mkdir(to, ino.mode.Perm())
	case ino.mode&os.ModeSocket != 0:
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: to, Net: "unix"})
		if err != nil {
			return err
		}
		l.SetUnlinkOnClose(false)
		return l.Close()
	}
	return os.WriteFile(to, img.files[ino], ino.mode.Perm())
}
