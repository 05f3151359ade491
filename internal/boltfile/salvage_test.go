package boltfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
)

// salvaged is what a salvage came by.
type salvaged struct {
	wreck   *boltfile.Salvage
	sound   map[string]boltfile.Reach // records whose checksum is right, by path, key and value; the best reach
	seen    [4]int                    // records whose checksum is right, copies too, by reach
	lost    []boltfile.Lost
	buckets []string
	outside error // of a record that does not lie in the file
}

// salvage salvages all of an image.
func salvage(t testing.TB, im image, r *countingReader) *salvaged {
	t.Helper()
	wreck, err := boltfile.NewSalvage(r, int64(len(im)))
	if err != nil {
		if !errors.Is(err, boltfile.ErrFormat) {
			t.Fatalf("NewSalvage = %v", err)
		}
		return &salvaged{}
	}
	s := &salvaged{wreck: wreck, sound: map[string]boltfile.Reach{}}
	w := boltfile.Walker{
		Found: s.found(im),
		Lost: func(l boltfile.Lost) error {
			l.Lo, l.Hi = bytes.Clone(l.Lo), bytes.Clone(l.Hi)
			s.lost = append(s.lost, l)
			return nil
		},
		Bucket: func(path []string, _ uint64) error {
			s.buckets = append(s.buckets, strings.Join(path, "/"))
			return nil
		},
	}
	if err := errors.Join(wreck.Walk(boltfile.Current, w), wreck.Walk(boltfile.Previous, w), wreck.Scan(w)); err != nil {
		t.Fatal(err)
	}
	return s
}

// paths are the buckets of a store of fill that have records.
var paths = [][]string{{"sessions", "global"}, {"sessions", "cart"}, {"expiry"}, {"format"}}

// found returns a visitor that notes what has a right checksum.
func (s *salvaged) found(im image) func(boltfile.Found) error {
	return func(f boltfile.Found) error {
		page := im[min(uint64(len(im)), f.Page*uint64(s.wreck.PageSize())):]
		if !bytes.Contains(page, f.Key) || !bytes.Contains(page, f.Value) || len(f.Key) == 0 {
			s.outside = fmt.Errorf("page %d: an element of %d and %d bytes is not there", f.Page, len(f.Key), len(f.Value))
		}
		for _, path := range paths {
			if f.Path != nil && !slices.Equal(path, f.Path) || checkSum(path, f.Key, f.Value) != nil {
				continue
			}
			s.seen[f.Reach]++
			record := fmt.Sprintf("%q %q %q", path, f.Key, f.Value)
			if reach, ok := s.sound[record]; !ok || f.Reach < reach {
				s.sound[record] = f.Reach
			}
		}
		return nil
	}
}

// current returns the records that the last commit's tree has.
func (s *salvaged) current() (n int) {
	for _, reach := range s.sound {
		if reach == boltfile.Current {
			n++
		}
	}
	return n
}

// What is sound is found as a whole, with the names of its buckets, and none of it is lost.
func TestSalvageSound(t *testing.T) {
	im := sound(t, 400)
	s := salvage(t, im, &countingReader{Reader: bytes.NewReader(im)})
	report, err := verify(im, checkSum)
	if err != nil {
		t.Fatal(err)
	}
	if s.current() != int(report.Keys) || s.outside != nil {
		t.Errorf("%d records of %d, %v", s.current(), report.Keys, s.outside)
	}
	if problems, more := s.wreck.Problems(); len(problems)+more > 0 || len(s.lost) > 0 {
		t.Errorf("problems %v, lost %v", problems, s.lost)
	}
	if want := []string{"expiry", "format", "sessions", "sessions/cart", "sessions/global"}; !slices.Equal(s.buckets[:5], want) {
		t.Errorf("buckets %q, want %q", s.buckets, want)
	}
	if !s.wreck.FreeKnown() || !s.wreck.Has(boltfile.Previous) || s.wreck.Pages() != report.Pages {
		t.Errorf("free pages known %v, previous %v, %d pages", s.wreck.FreeKnown(), s.wreck.Has(boltfile.Previous), s.wreck.Pages())
	}
}

// Below a destroyed branch page everything is found, without a path, and the bucket's loss told.
func TestSalvageOrphans(t *testing.T) {
	im := sound(t, 400)
	_, _, root := im.bucket(t, "sessions", "global")
	all := salvage(t, im, &countingReader{Reader: bytes.NewReader(im)})
	clear(im[root*pageSize:][:pageSize])
	s := salvage(t, im, &countingReader{Reader: bytes.NewReader(im)})
	orphans := 0
	for record, reach := range all.sound {
		if reach != boltfile.Current {
			continue
		}
		switch got, ok := s.sound[record]; {
		case !ok:
			t.Errorf("lost a record that is still there")
		case got == boltfile.Orphan:
			orphans++
		}
	}
	if orphans < 300 {
		t.Errorf("%d orphans, want all of the bucket", orphans)
	}
	problems, _ := s.wreck.Problems()
	if len(problems) != 1 || problems[0].Page != root {
		t.Errorf("problems %v, want page %d", problems, root)
	}
	if len(s.lost) != 2 || !slices.Equal(s.lost[0].Path, paths[0]) || s.lost[0].Lo != nil || s.lost[0].Hi != nil {
		t.Errorf("lost %v, want all of %q in both trees", s.lost, paths[0])
	}
}

// What a destroyed leaf had is told by its bounds, and what nobody uses is not taken for lost.
func TestSalvageFree(t *testing.T) {
	path := newStore(t, 400)
	f := open(t, path, boltfile.Options{})
	for i := range 3 {
		if err := change(f.DB(), fmt.Sprint("commit ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	im := image(mustRead(t, path))
	s := salvage(t, im, &countingReader{Reader: bytes.NewReader(im)})
	if s.seen[boltfile.Orphan] != 0 || s.seen[boltfile.Free] == 0 {
		t.Errorf("%d records are orphans, %d on free pages", s.seen[boltfile.Orphan], s.seen[boltfile.Free])
	}
	_, _, root := im.bucket(t, "sessions", "global")
	branch := im.page(root)
	lo, _ := branch.Entry(1)
	hi, _ := branch.Entry(2)
	clear(im[branch.Child(1)*pageSize:][:16])
	s = salvage(t, im, &countingReader{Reader: bytes.NewReader(im)})
	if len(s.lost) == 0 || !bytes.Equal(s.lost[0].Lo, lo) || !bytes.Equal(s.lost[0].Hi, hi) {
		t.Errorf("lost %v, want %x to %x", s.lost, lo, hi)
	}
}

// RELIABILITY 9 and 10: whatever is done to the file, nothing wrong comes of it; and one page
// takes little else with it.
func TestSalvageDamagedFiles(t *testing.T) {
	path := newStore(t, 300)
	base := trim(t, mustRead(t, path))
	truth := salvage(t, base, &countingReader{Reader: bytes.NewReader(base)})
	rng := rand.New(rand.NewPCG(3, 4))
	for _, d := range damages {
		for range *perKind {
			im := d.do(rng, bytes.Clone(base))
			r := &countingReader{Reader: bytes.NewReader(im)}
			s := salvage(t, im, r)
			if s.outside != nil {
				t.Errorf("%s: %v", d.name, s.outside)
			}
			for record := range s.sound {
				if _, ok := truth.sound[record]; !ok {
					t.Errorf("%s: a record was invented", d.name)
				}
			}
			if r.bytes > 20*len(im)+1<<20 {
				t.Errorf("%s: %d bytes read of %d", d.name, r.bytes, len(im))
			}
			if !strings.HasPrefix(d.name, "cut") && len(s.sound) < len(truth.sound)*3/4 {
				t.Errorf("%s: %d of %d records", d.name, len(s.sound), len(truth.sound))
			}
		}
	}
}

// Without a meta page all is orphaned, and found.
func TestSalvageWithoutMeta(t *testing.T) {
	im := sound(t, 400)
	all := salvage(t, im, &countingReader{Reader: bytes.NewReader(im)})
	clear(im[:2*pageSize])
	s := salvage(t, im, &countingReader{Reader: bytes.NewReader(im)})
	if s.wreck.PageSize() != int(pageSize) || len(s.sound) != len(all.sound) {
		t.Errorf("pages of %d bytes, %d of %d records", s.wreck.PageSize(), len(s.sound), len(all.sound))
	}
	for _, text := range []string{"", "buy milk", strings.Repeat("buy milk", 1<<16)} {
		if _, err := boltfile.NewSalvage(strings.NewReader(text), int64(len(text))); !errors.Is(err, boltfile.ErrFormat) {
			t.Errorf("NewSalvage of %d bytes of text = %v", len(text), err)
		}
	}
}

// A thousand pages that all claim the rest of the file are read in a time that the file's size
// bounds.
func TestSalvageManyClaims(t *testing.T) {
	im := make(image, 2000*pageSize)
	copy(im, sound(t, 40))
	clear(im[:2*pageSize])
	for id := uint64(2); id < 1990; id++ {
		im.setID(id, id)
		im.setKind(id, 2)
		im.setCount(id, 9)
		im.setOverflow(id, 1999-id)
	}
	r := &countingReader{Reader: bytes.NewReader(im)}
	s := salvage(t, im, r)
	if s.wreck == nil || r.bytes > 20*len(im) {
		t.Errorf("%d bytes read of %d", r.bytes, len(im))
	}
}

// Memory does not grow with the file.
func TestSalvageMemory(t *testing.T) {
	im := sound(t, 8000)
	r := bytes.NewReader(im)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	wreck, err := boltfile.NewSalvage(r, int64(len(im)))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	w := boltfile.Walker{Found: func(boltfile.Found) error { n++; return nil }}
	if err := errors.Join(wreck.Walk(boltfile.Current, w), wreck.Walk(boltfile.Previous, w), wreck.Scan(w)); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 || n < 8000 {
		t.Errorf("%d bytes allocated for %d elements of a file of %d", used, n, len(im))
	}
}

// An element is found again by its place, in an inline bucket too; an error of the caller ends a
// walk.
func TestSalvageAt(t *testing.T) {
	im := sound(t, 60)
	wreck, err := boltfile.NewSalvage(bytes.NewReader(im), int64(len(im)))
	if err != nil {
		t.Fatal(err)
	}
	inline := 0
	err = wreck.Walk(boltfile.Current, boltfile.Walker{Found: func(f boltfile.Found) error {
		if f.Inner > 0 {
			inline++
		}
		key, value, err := wreck.At(f.Ref)
		if err != nil || !bytes.Equal(key, f.Key) || !bytes.Equal(value, f.Value) {
			t.Errorf("At(%v) = %d and %d bytes, %v", f.Ref, len(key), len(value), err)
		}
		return nil
	}})
	if err != nil || inline == 0 {
		t.Errorf("%v, %d elements of inline buckets", err, inline)
	}
	for _, ref := range []boltfile.Ref{{Page: 1}, {Page: 1 << 40}, {Page: 2, Index: 1 << 20}, {Page: 2, Index: -1}} {
		if _, _, err := wreck.At(ref); err == nil {
			t.Errorf("At(%v) found something", ref)
		}
	}
	stop := errors.New("stop")
	for _, w := range []boltfile.Walker{
		{Found: func(boltfile.Found) error { return stop }},
		{Page: func() error { return stop }},
		{Bucket: func([]string, uint64) error { return stop }},
	} {
		if err := wreck.Walk(boltfile.Current, w); err != stop {
			t.Errorf("Walk = %v", err)
		}
	}
}
