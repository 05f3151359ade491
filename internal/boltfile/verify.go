package boltfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Visitor is called for each key and value that is not a bucket, with the names of the buckets
// it lies in. An error it returns marks the page as damaged; the error must name neither. All
// arguments are valid only during the call.
type Visitor func(path []string, key, value []byte) error

// Report is what a verification found in a sound file.
type Report struct {
	PageSize       int
	Pages          uint64 // below the high-water mark
	Free           uint64 // of these, not in use
	Size           int64  // of the file, in bytes
	TxID           uint64 // of the last transaction
	FreelistSynced bool   // stored in the file, so that the next Open need not look for free pages
	Keys           uint64 // in all buckets
	Buckets        map[string]Bucket
	Warnings       []string // one meta page is invalid, say
}

// Bucket is what a Report tells of one bucket. Report.Buckets has those of the first two levels;
// a nested one is under both names joined by a slash.
type Bucket struct {
	Keys     uint64 // without nested buckets and what is in them
	Sequence uint64
}

const (
	// MaxValue is the largest value, in bytes, that a verified file may hold: bbolt puts up to
	// four large values on one page, and a page must fit into maxHeld.
	MaxValue = 15 << 20

	maxHeld    = 64 << 20 // bytes of pages held at a time
	maxKept    = 1 << 20  // a larger buffer is not kept for the next page
	maxDepth   = 64       // pages from the root to a leaf, nested buckets included
	maxPages   = 1 << 28  // bounds the bitmaps: 1 TiB of 4 KiB pages
	maxBuckets = 1 << 14  // in a Report
	ctxEvery   = 256      // pages
)

// Verify reads the file at path as a whole and checks all that bbolt trusts: the meta pages, each
// page's id, type, bounds and overflow, the layout and order of its elements, that no page is
// used twice or both used and free, and that nothing reaches beyond the file. It returns a
// *DamageError, or ErrFormat when the file is none of bbolt's. What bbolt has no checksum for,
// visit may check; nil visits nothing.
//
// It only reads, without a mapping or a lock, in bounded memory. The file must not be written to
// meanwhile: it is meant for a closed file or a copy.
func Verify(ctx context.Context, path string, visit Visitor) (Report, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Report{}, err
	}
	if err := checkKind(path, info); err != nil {
		return Report{}, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return Report{}, err
	}
	defer f.Close()
	return verifyFile(ctx, path, f, visit)
}

// verifyFile verifies the open file f and names it path in errors.
func verifyFile(ctx context.Context, path string, f *os.File, visit Visitor) (Report, error) {
	info, err := f.Stat()
	if err != nil {
		return Report{}, err
	}
	report, err := VerifyAt(ctx, f, info.Size(), visit)
	var damage *DamageError
	if errors.As(err, &damage) {
		damage.Path = path
	} else if errors.Is(err, ErrFormat) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return report, err
}

// VerifyAt is Verify for the size bytes of r.
func VerifyAt(ctx context.Context, r io.ReaderAt, size int64, visit Visitor) (Report, error) {
	v := &verifier{r: r, visit: visit, canceled: ctx.Err, bufs: make([][]byte, maxDepth)}
	if err := v.readMeta(size); err != nil {
		return Report{}, err
	}
	v.report.PageSize, v.report.Pages, v.report.Size = v.meta.pageSize, v.meta.pages, size
	v.report.TxID, v.report.Buckets = v.meta.txid, make(map[string]Bucket)
	v.used, v.free = newBitmap(v.meta.pages), newBitmap(v.meta.pages)
	if err := v.claim(0, 2); err != nil {
		return Report{}, err
	}
	if err := v.readFreelist(); err != nil {
		return Report{}, err
	}
	if err := v.bucket(nil, v.meta.root, v.meta.sequence, 0); err != nil {
		return Report{}, err
	}
	v.countFree()
	return v.report, nil
}

// verifier walks the pages of one file.
type verifier struct {
	r        io.ReaderAt
	visit    Visitor
	canceled func() error
	meta     meta
	report   Report
	used     bitmap // pages that something refers to
	free     bitmap // pages on the stored freelist
	inUse    uint64 // how many are used
	bufs     [][]byte
	held     int // bytes in bufs
	loads    int
	buckets  int
}

func damaged(id uint64, format string, args ...any) error {
	return &DamageError{Page: id, Problem: fmt.Sprintf(format, args...)}
}

// warn notes what is wrong with a file that can be used all the same.
func (v *verifier) warn(format string, args ...any) {
	v.report.Warnings = append(v.report.Warnings, fmt.Sprintf(format, args...))
}

// read fills b from byte off of page id.
func (v *verifier) read(b []byte, id uint64, off int64) error {
	n, err := v.r.ReadAt(b, int64(id)*int64(v.meta.pageSize)+off)
	if n == len(b) {
		return nil
	}
	return &DamageError{Page: id, Problem: "cannot be read: " + fmt.Sprint(err), Err: err}
}

// claim notes that the n pages from id on are in use.
func (v *verifier) claim(id, n uint64) error {
	if id >= v.meta.pages || n > v.meta.pages-id {
		return damaged(id, "reaches beyond the last page")
	}
	for p := id; p < id+n; p++ {
		if v.used.has(p) {
			return damaged(p, "is used twice")
		}
		if v.free.has(p) {
			return damaged(p, "is in use and on the freelist")
		}
		v.used.set(p)
	}
	v.inUse += n
	return nil
}

// countFree counts what no bucket uses. A page that is not free either is lost until the file
// is compacted, which harms nothing else.
func (v *verifier) countFree() {
	unused := v.meta.pages - v.inUse
	if v.report.FreelistSynced && v.report.Free != unused {
		v.warn("%d pages are neither in use nor free; compact the file to win them back", unused-v.report.Free)
	}
	if !v.report.FreelistSynced {
		v.report.Free = unused
	}
}

// record adds a bucket to the report.
func (v *verifier) record(path []string, b Bucket) {
	v.report.Keys += b.Keys
	if len(path) == 0 || len(path) > 2 {
		return
	}
	if v.buckets++; v.buckets <= maxBuckets {
		v.report.Buckets[strings.Join(path, "/")] = b
	} else if v.buckets == maxBuckets+1 {
		v.warn("more than %d buckets: the others are not reported", maxBuckets)
	}
}
