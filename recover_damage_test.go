package session

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
)

// The full figure of RELIABILITY 9 and 10 is: go test -run RecoverDamaged . -recover 500
var recoverPerKind = flag.Int("recover", 4, "damaged files to recover per kind of damage")

// recoverSessions is how many sessions the files have that are damaged.
const recoverSessions = 10_000

// past is a store with a history: sessions that were changed, and some that ended. It is kept in
// two states, as a crash leaves it and as Close does.
type past struct {
	crashed, closed []byte
	alive, ended    map[ID]bool
	last            ID // ended in the last commit
}

// newPast makes a store of n sessions whose history left old copies of all pages in the file.
func newPast(t testing.TB, n int) *past {
	t.Helper()
	p := &past{alive: map[ID]bool{}, ended: map[ID]bool{}}
	path := filepath.Join(t.TempDir(), "sessions.db")
	b, err := Open(path, &BoltOptions{Reap: Never, NoSocket: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	createMany(t, b, n+n/10, func(i int, s *Session) {
		s.Set("n", i)
		s.Set("text", fmt.Sprint("session number ", i, " has a value of some length"))
		if i%3 == 0 {
			s.SetUser(fmt.Sprint("user ", i%100))
		}
		if i%5 == 0 {
			cart, err := s.Component(t.Context(), "cart")
			if err != nil {
				t.Error(err)
			}
			cart.Set("n", i)
		}
	})
	for i := range n + n/10 {
		id := testID(i)
		if i%11 != 10 {
			p.alive[id] = true
			continue
		}
		p.last, p.ended[id] = id, true
		if err := b.Destroy(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	p.crashed = trimmed(t, read(t, path))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	p.closed = trimmed(t, read(t, path))
	return p
}

// trimmed cuts off what the file has in advance, so that no damage is wasted on it.
func trimmed(t testing.TB, im []byte) []byte {
	t.Helper()
	r, err := boltfile.VerifyAt(t.Context(), bytes.NewReader(im), int64(len(im)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return im[:int(r.Pages)*r.PageSize]
}

// kinds are the nine ways to damage a file; size is that of a page.
var kinds = []struct {
	name string
	do   func(rng *rand.Rand, im []byte, size int) []byte
}{
	{"cut anywhere", func(rng *rand.Rand, im []byte, _ int) []byte { return im[:len(im)-rng.IntN(len(im)/40)] }},
	{"cut at a page", func(rng *rand.Rand, im []byte, size int) []byte {
		return im[:len(im)-size*rng.IntN(len(im)/40/size)]
	}},
	{"bit in data", func(rng *rand.Rand, im []byte, size int) []byte {
		return flipBit(rng, im, somePage(rng, im, size)+16, size-16)
	}},
	{"bit in page header", func(rng *rand.Rand, im []byte, size int) []byte {
		return flipBit(rng, im, somePage(rng, im, size), 16)
	}},
	{"bit in meta page", func(rng *rand.Rand, im []byte, size int) []byte {
		return flipBit(rng, im, size*rng.IntN(2), 80)
	}},
	{"page of zeros", func(rng *rand.Rand, im []byte, size int) []byte {
		clear(im[somePage(rng, im, size):][:size])
		return im
	}},
	{"page of noise", func(rng *rand.Rand, im []byte, size int) []byte {
		return makeNoise(rng, im, somePage(rng, im, size), size)
	}},
	{"pages swapped", func(rng *rand.Rand, im []byte, size int) []byte {
		a, b := im[somePage(rng, im, size):][:size], im[somePage(rng, im, size):][:size]
		old := bytes.Clone(a)
		copy(a, b)
		copy(b, old)
		return im
	}},
	{"sector of noise", func(rng *rand.Rand, im []byte, _ int) []byte {
		return makeNoise(rng, im, rng.IntN(len(im)/512)*512, 512)
	}},
}

func somePage(rng *rand.Rand, im []byte, size int) int { return rng.IntN(len(im)/size) * size }

func flipBit(rng *rand.Rand, im []byte, off, n int) []byte {
	im[off+rng.IntN(n)] ^= 1 << rng.IntN(8)
	return im
}

func makeNoise(rng *rand.Rand, im []byte, off, n int) []byte {
	for i := range n {
		im[off+i] = byte(rng.Uint32())
	}
	return im
}

// RELIABILITY 10: after one bad page at least 95 % of the sessions are recovered, as they were,
// none is invented and none that had ended comes back.
func TestRecoverDamaged(t *testing.T) {
	n, sessions := *recoverPerKind, recoverSessions
	if testing.Short() {
		n, sessions = 2, 2000
	}
	p := newPast(t, sessions)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for i := range n {
				im := bytes.Clone([][]byte{p.crashed, p.closed}[i%2])
				bad := kind.do(rng, im, os.Getpagesize())
				// A cut may take all that the last few commits wrote, and with it what could tell of the
				// sessions that they ended.
				p.recover(t, bad, min(5, len(im)-len(bad)))
			}
		})
	}
}

// RELIABILITY 10 for the pages on which most depends: every branch page, the roots, the meta
// pages and the list of free pages.
func TestRecoverDamagedPage(t *testing.T) {
	sessions := recoverSessions / 5
	if testing.Short() {
		sessions = 500
	}
	p, size := newPast(t, sessions), os.Getpagesize()
	for _, base := range [][]byte{p.crashed, p.closed} {
		for at := 0; at < len(base); at += size {
			if !leadsOn(base[at : at+size]) {
				continue
			}
			t.Run(fmt.Sprint("page ", at/size), func(t *testing.T) {
				im := bytes.Clone(base)
				p.recover(t, makeNoise(rand.New(rand.NewPCG(7, 8)), im, at, size), 0)
			})
		}
	}
}

// leadsOn says whether a page is no leaf, or one with buckets.
func leadsOn(p []byte) bool {
	isLeaf := binary.NativeEndian.Uint16(p[8:]) == 2
	return !isLeaf || binary.NativeEndian.Uint32(p[16:]) == 1
}

// recover recovers a damaged image and checks what comes of it. Up to untold sessions that had ended
// may be back, if all are counted as unconfirmed.
func (p *past) recover(t *testing.T, im []byte, untold int) {
	t.Helper()
	dir := t.TempDir()
	bad, good := filepath.Join(dir, "bad.db"), filepath.Join(dir, "good.db")
	write(t, bad, im)
	checked, checkErr := Check(t.Context(), bad)
	report, err := Recover(t.Context(), bad, good, nil)
	if err != nil {
		t.Fatalf("Recover = %v", err)
	}
	if !bytes.Equal(read(t, bad), im) {
		t.Error("the damaged file was changed")
	}
	// Where nothing leads to the last commit any more, the one before counts.
	most, lastEnded := len(p.alive), false
	if report.Unconfirmed == report.Sessions || len(report.Problems) > 0 && report.Problems[0].Page < 2 {
		most, lastEnded = most+1, true
	}
	if report.Unconfirmed < report.Sessions {
		untold = 0
	}
	most += untold
	if least := len(p.alive) * 95 / 100; report.Sessions < least || report.Sessions > most {
		t.Errorf("%+v: of %d sessions", report, len(p.alive))
	}
	if checkErr == nil && report.Sessions != checked.Sessions {
		t.Errorf("Check found the file sound with %d sessions, of which %d were recovered", checked.Sessions, report.Sessions)
	}
	if checkErr == nil && len(checked.Warnings) == 0 && checked.Sessions != len(p.alive) {
		t.Errorf("Check found the file sound with %d sessions instead of %d", checked.Sessions, len(p.alive))
	}
	back := func(id ID) bool {
		if lastEnded && id == p.last {
			return true
		}
		untold--
		return untold >= 0 && p.ended[id]
	}
	if n := p.compare(t, good, back); n != report.Sessions {
		t.Errorf("%d sessions are there, %d were reported", n, report.Sessions)
	}
	os.Remove(good)
	os.Remove(bad)
}

// compare opens a recovered store, checks each of its sessions and returns how many there are. back
// says which of those that had ended may be back.
func (p *past) compare(t *testing.T, path string, back func(ID) bool) (n int) {
	t.Helper()
	checkBolt(t, path)
	b, err := Open(path, &BoltOptions{ReadOnly: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for info, err := range b.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if !p.alive[info.ID] && !back(info.ID) {
			t.Errorf("session %s was invented, or has come back", info.ID.Short())
		}
		s, err := b.Get(t.Context(), info.ID, "cart")
		if err != nil {
			t.Fatal(err)
		}
		i, ok := Key[int]("n").Get(s)
		if ok && testID(i) != info.ID {
			t.Errorf("session %s has the values of another", info.ID.Short())
		}
		if want := fmt.Sprint("user ", i%100); ok && (i%3 == 0) != (s.User() == want) {
			t.Errorf("session %d is of %q", i, s.User())
		}
		cart, _ := s.Component(t.Context(), "cart")
		if in, there := Key[int]("n").Get(cart); there && ok && in != i {
			t.Errorf("session %d has the cart of %d", i, in)
		}
	}
	return n
}

// TestRecoverAsksPreviousIndex: where the last commit's tree is lost, and of the one before the page with
// a session, the index of deadlines of the latter still says that the session had ended.
func TestRecoverAsksPreviousIndex(t *testing.T) {
	p, size := newPast(t, 1000), os.Getpagesize()
	wreck, err := boltfile.NewSalvage(bytes.NewReader(p.crashed), int64(len(p.crashed)))
	if err != nil {
		t.Fatal(err)
	}
	leaves := map[uint64]bool{}
	w := boltfile.Walker{Found: func(f boltfile.Found) error {
		if len(f.Path) == 2 && f.Path[1] == "\x00" {
			leaves[f.Page] = true
		}
		return nil
	}}
	if err := wreck.Walk(boltfile.Previous, w); err != nil || len(leaves) < 50 {
		t.Fatalf("%d leaves, %v", len(leaves), err)
	}
	tries := 0
	for leaf := range leaves {
		im := bytes.Clone(p.crashed)
		clear(im[rootOf(im, size)*size:][:size])
		clear(im[int(leaf)*size:][:size])
		good := filepath.Join(t.TempDir(), "good.db")
		bad := good + ".bad"
		write(t, bad, im)
		if _, err := Recover(t.Context(), bad, good, nil); err != nil {
			t.Fatal(err)
		}
		p.compare(t, good, func(id ID) bool { return id == p.last })
		if tries++; tries == 20 {
			break
		}
	}
}

// rootOf returns the root page of the last commit.
func rootOf(im []byte, size int) int {
	newest := 0
	if binary.NativeEndian.Uint64(im[size+64:]) > binary.NativeEndian.Uint64(im[64:]) {
		newest = size
	}
	return int(binary.NativeEndian.Uint64(im[newest+32:]))
}
