package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	bolt "go.etcd.io/bbolt"
)

// pagesOf returns the pages of the last commit's tree with records of a bucket whose keys f
// likes.
func pagesOf(t testing.TB, im []byte, path string, f func(key []byte) bool) (pages []uint64) {
	t.Helper()
	wreck, err := boltfile.NewSalvage(bytes.NewReader(im), int64(len(im)))
	if err != nil {
		t.Fatal(err)
	}
	err = wreck.Walk(boltfile.Current, boltfile.Walker{Found: func(found boltfile.Found) error {
		if found.Path[len(found.Path)-1] == path && f(found.Key) && !slices.Contains(pages, found.Page) {
			pages = append(pages, found.Page)
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// wipe overwrites pages.
func wipe(im []byte, pages ...uint64) {
	for _, page := range pages {
		size := os.Getpagesize()
		copy(im[int(page)*size:][:size], bytes.Repeat([]byte("spoilt! "), size/8))
	}
}

// recovered recovers an image and returns the new store, open, and the report.
func recovered(t testing.TB, im []byte) (*BoltStore, RecoverReport) {
	t.Helper()
	dir := t.TempDir()
	bad, good := filepath.Join(dir, "bad.db"), filepath.Join(dir, "good.db")
	write(t, bad, im)
	report, err := Recover(t.Context(), bad, good, nil)
	if err != nil {
		t.Fatal(err)
	}
	return openBoltAt(t, good, nil), report
}

// numberOf returns the number in a session, and whether there is one.
func numberOf(t testing.TB, b *BoltStore, id ID) (n int, ok bool) {
	t.Helper()
	s, err := b.Get(t.Context(), id)
	if errors.Is(err, ErrNotFound) {
		return 0, false
	}
	if err != nil {
		t.Fatal(err)
	}
	n, _ = Key[int]("n").Get(s)
	return n, true
}

// ofSession is a condition for pagesOf: the key of a session's metadata.
func ofSession(id ID) func([]byte) bool {
	return func(key []byte) bool { return bytes.Equal(key, metaKey(id)) }
}

// aging makes a store of n sessions, lets change make a last commit, and returns what a crash
// leaves of it: the commit before is still there.
func aging(t testing.TB, n int, change func(b *BoltStore)) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sessions.db")
	b, err := Open(path, &BoltOptions{Reap: Never, NoSocket: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	createMany(t, b, n, func(i int, s *Session) {
		s.SetUser(fmt.Sprint("user ", i))
		s.Set("text", "some text that takes room on its page")
	})
	change(b)
	im := read(t, path)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return im
}

// A session that ended does not come back from an old copy of its page, from which its
// neighbours are taken. The control: without the index of deadlines nobody can tell.
func TestRecoverEndedStaysEnded(t *testing.T) {
	ended := testID(7)
	im := aging(t, 300, func(b *BoltStore) {
		if err := b.Destroy(t.Context(), ended); err != nil {
			t.Fatal(err)
		}
	})
	// The page where it was is that of its neighbours.
	before := pagesOf(t, im, "\x00", func(key []byte) bool { return bytes.Compare(key, metaKey(ended)) < 0 })
	after := pagesOf(t, im, "\x00", func(key []byte) bool { return bytes.Compare(key, metaKey(ended)) > 0 })
	wipe(im, before[len(before)-1], after[0])
	control := bytes.Clone(im)
	wipe(control, pagesOf(t, im, "expiry", func([]byte) bool { return true })...)
	wipe(control, pagesOf(t, im, "users", func([]byte) bool { return true })...)
	if b, report := recovered(t, control); report.Unconfirmed == 0 {
		t.Errorf("control: %+v", report)
	} else if _, ok := numberOf(t, b, ended); !ok {
		t.Error("control: the session did not come back, so that this shows nothing")
	}
	b, report := recovered(t, im)
	if _, ok := numberOf(t, b, ended); ok {
		t.Error("a session that was destroyed is back")
	}
	if report.Older == 0 || report.Unconfirmed != 0 || report.Sessions+report.LostSessions != 299 {
		t.Errorf("%+v: none came from an old page, this shows nothing", report)
	}
}

// A version of a session that was another user's is not brought back either.
func TestRecoverOwner(t *testing.T) {
	id := testID(7)
	im := aging(t, 300, func(b *BoltStore) {
		s, err := b.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		s.SetUser("somebody else")
		if err := b.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	})
	wipe(im, pagesOf(t, im, "\x00", ofSession(id))...)
	b, report := recovered(t, im)
	if s, err := b.Get(t.Context(), id); err == nil && s.User() != "somebody else" {
		t.Errorf("the session is %s's again", s.User())
	}
	if report.Older == 0 {
		t.Errorf("%+v: none came from an old page, this shows nothing", report)
	}
}

// What is left of a session is kept, and what it lost is counted and struck out.
func TestRecoverComponents(t *testing.T) {
	base := read(t, manySessions(t, 100))
	carts := pagesOf(t, base, "cart", func([]byte) bool { return true })
	im := bytes.Clone(base)
	// All copies of the carts: in a clean file none of them is needed by anything else.
	for page := uint64(2); page < uint64(len(im)/os.Getpagesize()); page++ {
		content := im[int(page)*os.Getpagesize():][:os.Getpagesize()]
		if slices.Contains(carts, page) || bytes.Contains(content, []byte("\xa1\x63tea")) {
			wipe(im, page)
		}
	}
	b, report := recovered(t, im)
	if report.Sessions != 100 || report.LostSessions != 0 || report.LostComponents != 20 {
		t.Errorf("%+v, want all sessions and no cart", report)
	}
	for info, err := range b.All(t.Context()) {
		if err != nil || len(info.Components) != 1 || info.Components[""] != 5 {
			t.Errorf("%v, %v", info.Components, err)
		}
	}
}

// Without the index of deadlines nothing is lost: it is made anew, as that of users is.
func TestRecoverIndexes(t *testing.T) {
	im := read(t, manySessions(t, 300))
	every := func([]byte) bool { return true }
	wipe(im, pagesOf(t, im, "expiry", every)...)
	wipe(im, pagesOf(t, im, "users", every)...)
	b, report := recovered(t, im)
	if report.Sessions != 300 || report.LostSessions != 0 || report.Unconfirmed != 0 || len(report.Problems) == 0 {
		t.Errorf("%+v", report)
	}
	if infos, err := b.ByUser(t.Context(), "user 3"); len(infos) != 1 || err != nil {
		t.Errorf("ByUser = %v, %v", infos, err)
	}
}

// Expired sessions are left out, and an encrypted store stays one without its key, also when
// what says so is lost.
func TestRecoverEncrypted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	keys := [][]byte{bytes.Repeat([]byte{1}, 32)}
	b := openBoltAt(t, path, &BoltOptions{Keys: keys})
	createMany(t, b, 99, nil)
	expired := NewSession(b, testID(99), newMeta(time.Now().Add(-2*time.Hour), time.Hour, 24*time.Hour))
	expired.Set("n", 1)
	if err := errors.Join(b.Save(t.Context(), expired), b.Close()); err != nil {
		t.Fatal(err)
	}
	im := read(t, path)
	if report, err := Check(t.Context(), path); err != nil || report.Encrypted != 100 {
		t.Errorf("Check = %+v, %v", report, err)
	}
	root := pagesOf(t, im, "format", func([]byte) bool { return true })
	wipe(im, root...)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bad.db"), im)
	good := filepath.Join(dir, "good.db")
	report, err := Recover(t.Context(), filepath.Join(dir, "bad.db"), good, nil)
	if err != nil || report.Sessions != 99 || report.Expired != 1 {
		t.Fatalf("Recover = %+v, %v", report, err)
	}
	unkeyed := openBoltAt(t, good, &BoltOptions{ReadOnly: true})
	if _, err := unkeyed.Get(t.Context(), testID(1)); !errors.Is(err, ErrEncrypted) || !unkeyed.unkeyed {
		t.Errorf("Get without the key = %v", err)
	}
	unkeyed.Close()
	if n, ok := numberOf(t, openBoltAt(t, good, &BoltOptions{Keys: keys}), testID(1)); n != 1 || !ok {
		t.Errorf("session 1 has %d, %v", n, ok)
	}
}

// The copy is the same store, and what interrupts leaves nothing behind.
func TestRecoverWhole(t *testing.T) {
	path := manySessions(t, 200)
	dir := t.TempDir()
	dest := filepath.Join(dir, "new.db")
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Recover(ctx, path, dest, &RecoverOptions{Progress: func(done, total int64) { cancel() }})
	if entries, _ := os.ReadDir(dir); !errors.Is(err, context.Canceled) || len(entries) != 0 {
		t.Errorf("Recover = %v, and left %v", err, entries)
	}
	var last, all int64
	report, err := Recover(t.Context(), path, dest, &RecoverOptions{Progress: func(done, total int64) {
		if done < last || done > total {
			t.Errorf("progress goes from %d to %d of %d", last, done, total)
		}
		last, all = done, total
	}})
	if err != nil || report.Sessions != 200 || report.LostSessions+report.LostComponents+len(report.Problems) > 0 {
		t.Errorf("Recover = %+v, %v", report, err)
	}
	if last != all || all == 0 {
		t.Errorf("progress ends at %d of %d", last, all)
	}
	for _, p := range []string{path, dest} {
		if _, err := Recover(t.Context(), path, p, nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Recover onto a file = %v", err)
		}
	}
	if was, is := storeID(t, path), storeID(t, dest); !bytes.Equal(was, is) {
		t.Errorf("the store's ID was %x, is %x", was, is)
	}
}

// storeID returns the record of which store a file is.
func storeID(t testing.TB, path string) (id []byte) {
	t.Helper()
	f, err := boltfile.Open(t.Context(), path, boltfile.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = f.DB().View(func(tx *bolt.Tx) error {
		id = bytes.Clone(tx.Bucket(formatBucket).Get(idKey))
		return nil
	})
	if err != nil || len(id) == 0 {
		t.Fatalf("no ID: %v", err)
	}
	return id
}

// Where there is nothing, nothing is made of it.
func TestRecoverNothing(t *testing.T) {
	path := manySessions(t, 1)
	im := read(t, path)
	for page := 2; page < len(im)/os.Getpagesize(); page++ {
		if binary.NativeEndian.Uint16(im[page*os.Getpagesize()+8:]) == 2 {
			wipe(im, uint64(page))
		}
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "bad.db"), im)
	report, err := Recover(t.Context(), filepath.Join(dir, "bad.db"), filepath.Join(dir, "good.db"), nil)
	if !errors.Is(err, errNothing) || report.Sessions != 0 || report.LostSessions != -1 {
		t.Errorf("Recover = %+v, %v", report, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("it left %v", entries)
	}
}
