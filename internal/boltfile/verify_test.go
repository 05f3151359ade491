package boltfile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

// sound returns a store with a freelist and some history.
func sound(t testing.TB, sessions int) image {
	t.Helper()
	path := newStore(t, sessions)
	f := open(t, path, boltfile.Options{})
	for i := range 3 {
		if err := change(f.DB(), fmt.Sprint("change ", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return mustRead(t, path)
}

func verify(im image, visit boltfile.Visitor) (boltfile.Report, error) {
	return boltfile.VerifyAt(context.Background(), bytes.NewReader(im), int64(len(im)), visit)
}

func TestVerifySound(t *testing.T) {
	path := newStore(t, 1000)
	report, err := boltfile.Verify(t.Context(), path, checkSum)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]boltfile.Bucket{
		"sessions":        {},
		"sessions/global": {Keys: 1000, Sequence: 1000},
		"sessions/cart":   {Keys: 200},
		"expiry":          {Keys: 1000},
		"format":          {Keys: 1},
	}
	for name, b := range want {
		if report.Buckets[name] != b {
			t.Errorf("bucket %s = %+v, want %+v", name, report.Buckets[name], b)
		}
	}
	if report.Keys != 2201 || len(report.Buckets) != len(want) || len(report.Warnings) != 0 || !report.FreelistSynced {
		t.Errorf("report = %+v", report)
	}
}

func TestVerifyCountsFreePages(t *testing.T) {
	path := newStore(t, 1000)
	f := open(t, path, boltfile.Options{})
	err := f.DB().Update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("expiry")) })
	if err != nil {
		t.Fatal(err)
	}
	var free [2]uint64
	for i, closeFile := range []func(*boltfile.File) error{(*boltfile.File).CloseDirty, (*boltfile.File).Close} {
		if err := closeFile(f); err != nil {
			t.Fatal(err)
		}
		report, err := boltfile.Verify(t.Context(), path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if report.FreelistSynced != (i == 1) {
			t.Errorf("FreelistSynced = %v", report.FreelistSynced)
		}
		free[i] = report.Free
		f = open(t, path, boltfile.Options{})
	}
	// The list itself takes pages, and storing it frees those of the last root.
	if free[0] < 10 || free[1] > free[0]+2 || free[1] < free[0]-2 {
		t.Errorf("free pages = %v, counted and listed", free)
	}
}

// One meta page is enough, and the report says that the last commit may be missing.
func TestVerifyOneMetaPage(t *testing.T) {
	base := sound(t, 50)
	newest, _, _, _ := base.newest(t)
	for id := range uint64(2) {
		im := bytes.Clone(base)
		im[id*pageSize+16+50] ^= 1
		report, err := verify(im, checkSum)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Warnings) != 1 || !strings.Contains(report.Warnings[0], fmt.Sprint("meta page ", id)) {
			t.Errorf("warnings = %q", report.Warnings)
		}
		full, _ := verify(base, nil)
		if lost := full.TxID - report.TxID; lost > 1 || (lost == 1) != (id == newest) {
			t.Errorf("without meta page %d: transaction %d of %d", id, report.TxID, full.TxID)
		}
	}
}

func TestVerifyWarnsOfHeaderAndLostPages(t *testing.T) {
	im := sound(t, 50)
	_, _, list, _ := im.newest(t)
	im.setKind(0, 2)
	im.setCount(list, im.page(list).Count()-1)
	report, err := verify(im, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(report.Warnings, "; "); !strings.Contains(got, "damaged header") || !strings.Contains(got, "1 pages are neither") {
		t.Errorf("warnings = %q", got)
	}
}

// The visitor's error names the page; a context's error stays one.
func TestVerifyVisitor(t *testing.T) {
	im := sound(t, 400)
	_, _, global := im.bucket(t, "sessions", "global")
	leaf := im.page(global).Child(1)
	_, v := im.page(leaf).Entry(0)
	v[len(v)-1] ^= 1
	_, err := verify(im, checkSum)
	var damage *boltfile.DamageError
	if !errors.As(err, &damage) || damage.Page != leaf || !errors.Is(err, errSum) {
		t.Errorf("VerifyAt = %v, want %v on page %d", err, errSum, leaf)
	}
	if _, err := verify(im, nil); err != nil {
		t.Errorf("VerifyAt without visitor = %v", err)
	}
}

func TestVerifyHonoursContext(t *testing.T) {
	im := sound(t, 3000)
	ctx, cancel := context.WithCancel(t.Context())
	visited := 0
	_, err := boltfile.VerifyAt(ctx, bytes.NewReader(im), int64(len(im)), func([]string, []byte, []byte) error {
		visited++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || visited > 5000 {
		t.Errorf("VerifyAt = %v after %d records", err, visited)
	}
}

// sparse is an image followed by as many zeros as one likes.
type sparse struct{ im image }

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(s.im)) {
		copy(p, s.im[off:])
	}
	return len(p), nil
}

// A giant page in a file with holes must not make the verifier allocate it.
func TestVerifyBoundsMemory(t *testing.T) {
	im := sound(t, 50)
	_, root, _, _ := im.newest(t)
	const many = 1 << 20
	im.setMeta(t, 40, many)
	im.setMeta(t, 32, 1<<64-1)
	im.setMeta(t, 16, uint64(len(im))/pageSize) // a root page in the hole
	im = append(im, im.page(root)...)
	im.setID(uint64(len(im))/pageSize-1, uint64(len(im))/pageSize-1)
	im.setOverflow(uint64(len(im))/pageSize-1, many/2)
	_, err := boltfile.VerifyAt(t.Context(), sparse{im}, many*int64(pageSize), nil)
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("VerifyAt = %v, want too large", err)
	}
}

func TestVerifyBoundsDepth(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep.db")
	_, err := boltfile.Open(t.Context(), path, boltfile.Options{Init: func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("b"))
		for range 70 {
			if err != nil {
				return err
			}
			b, err = b.CreateBucket([]byte("b"))
		}
		return err
	}})
	if err == nil || !strings.Contains(err.Error(), "pages deep") {
		t.Errorf("Open = %v, want too deep", err)
	}
}

func TestVerifyReadError(t *testing.T) {
	im := sound(t, 400)
	for n := range 20 {
		r := &failingReader{r: bytes.NewReader(im), after: n}
		_, err := boltfile.VerifyAt(t.Context(), r, int64(len(im)), nil)
		var damage *boltfile.DamageError
		if !errors.As(err, &damage) || !errors.Is(err, errDisk) {
			t.Errorf("VerifyAt with read %d failing = %v, want a DamageError", n, err)
		}
	}
}

var errDisk = errors.New("input/output error")

// failingReader fails from the given read on.
type failingReader struct {
	r     io.ReaderAt
	after int
}

func (f *failingReader) ReadAt(p []byte, off int64) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errDisk
	}
	return f.r.ReadAt(p, off)
}

func BenchmarkVerify(b *testing.B) {
	path := filepath.Join(b.TempDir(), "store.db")
	const sessions, batch = 100_000, 2000
	f := open(b, path, boltfile.Options{Init: func(*bbolt.Tx) error { return nil }})
	f.DB().NoSync = true
	value := make([]byte, 350)
	for from := 0; from < sessions; from += batch {
		err := f.DB().Update(func(tx *bbolt.Tx) error {
			for i := from; i < from+batch; i++ { // a record and its metadata
				if err := errors.Join(
					put(tx, append(sessionKey(i), 0), value[:50], "sessions", "global"),
					put(tx, append(sessionKey(i), 1), value, "sessions", "global"),
				); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		report, err := boltfile.Verify(b.Context(), path, nil)
		if err != nil || report.Keys != 2*sessions {
			b.Fatal(report.Keys, err)
		}
		b.SetBytes(int64(report.Pages) * int64(report.PageSize))
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/verify")
}
