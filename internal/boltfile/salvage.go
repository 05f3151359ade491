package boltfile

import (
	"fmt"
	"io"
)

// Reach says what leads to a page, and so what its content is worth.
type Reach uint8

// The pages of a file are one of these.
const (
	Current  Reach = iota // in the tree of the last commit
	Previous              // in the tree of the commit before it, whose meta page is still there
	Orphan                // in neither, and not known to be free: below a damaged page, or long out of use
	Free                  // in neither, and on the list of free pages: out of use
)

// String returns the reach as one lower-case word.
func (r Reach) String() string {
	return [...]string{"current", "previous", "orphan", "free"}[r&3]
}

// Ref is the place of an element: see Salvage.At.
type Ref struct {
	Page  uint64
	Index int // on the page
	Inner int // on the page of the inline bucket that the element on the page is, plus one
	Reach Reach
}

// Found is an element that lies within its page: a key and its value. Nothing else is known of
// it on a damaged page, and on a page that no tree reaches. All is valid only during the call.
type Found struct {
	Ref
	Path       []string // the names of the buckets it lies in; nil if no tree reaches the page
	Key, Value []byte
}

// Lost is a part of a tree that cannot be read: the keys from Lo up to but without Hi of a bucket,
// and where these are buckets, all that is in them. nil is no bound.
type Lost struct {
	Reach   Reach // Current or Previous: whose tree it is
	Page    uint64
	Path    []string // nil for the root, where the names of the outermost buckets are the keys
	Lo, Hi  []byte
	Problem string
}

// Walker is told what Walk and Scan come by. A nil function is not called; an error that one
// returns ends the walk.
type Walker struct {
	Found  func(Found) error
	Lost   func(Lost) error
	Bucket func(path []string, sequence uint64) error // before what is in it
	Page   func() error                               // before each page, to cancel and to show progress
}

// PageProblem says what is wrong with a page.
type PageProblem struct {
	Page    uint64
	Problem string // names neither keys nor values
}

// maxProblems bounds what Salvage remembers of a file in which nothing is right.
const maxProblems = 1000

// Salvage reads what is left of a damaged file, by pread in bounded memory: what Verify checks is
// checked page by page, and what is not right is passed over. It is for one goroutine.
type Salvage struct {
	r        io.ReaderAt
	pageSize int
	pages    uint64   // that are looked at: those below the high-water mark, as far as they are there
	trees    [2]*meta // of Current and Previous; nil if there is none
	known    bitmap   // pages that a walk reached, without damage to their extent
	free     bitmap
	listed   bool // free is what the last commit says
	metaLost bool
	problems []PageProblem
	more     int    // problems that are not in the list
	buf, at  []byte // of Scan and At
	budget   int64  // bytes of overflow pages that the walk may still read
}

// NewSalvage looks for the meta pages and the list of free pages. Without a valid meta page it
// guesses how long pages are. It returns ErrFormat if the bytes are no bbolt file at all.
func NewSalvage(r io.ReaderAt, size int64) (*Salvage, error) {
	if size == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrFormat)
	}
	s := &Salvage{r: r}
	if err := s.findTrees(size); err != nil {
		return nil, err
	}
	s.known, s.free = newBitmap(s.pages), newBitmap(s.pages)
	if s.trees[Current] != nil {
		s.readFreelist()
	}
	return s, nil
}

// PageSize returns the size of a page in bytes.
func (s *Salvage) PageSize() int { return s.pageSize }

// Pages returns how many pages there are to look at.
func (s *Salvage) Pages() uint64 { return s.pages }

// Has says whether there is a valid meta page to the tree of a commit.
func (s *Salvage) Has(reach Reach) bool { return reach <= Previous && s.trees[reach] != nil }

// MetaLost says whether a meta page is invalid. It may have been the one of the last commit; then
// what is taken for that is the commit before, which in a young file is that of an empty one.
func (s *Salvage) MetaLost() bool { return s.metaLost }

// FreeKnown says whether the file has a list of its free pages. Then an orphan can only be what
// the tree of the last commit lost.
func (s *Salvage) FreeKnown() bool { return s.listed }

// Problems returns what was found wrong so far, outside of the tree before the last commit, and
// how many problems more than those.
func (s *Salvage) Problems() (problems []PageProblem, more int) { return s.problems, s.more }

// refill sets how many bytes of overflow pages a walk may read: in a sound file no page is part of
// two others, but in this one a thousand pages may each claim the whole of it.
func (s *Salvage) refill() { s.budget = 4 * int64(s.pages) * int64(s.pageSize) }

// note remembers a problem. A page has one: the others follow from it.
func (s *Salvage) note(id uint64, problem string) {
	for _, p := range s.problems {
		if p.Page == id {
			return
		}
	}
	if len(s.problems) == maxProblems {
		s.more++
		return
	}
	s.problems = append(s.problems, PageProblem{id, problem})
}

// At reads an element again. The slices are valid until the next call.
func (s *Salvage) At(ref Ref) (key, value []byte, err error) {
	s.budget = maxHeld
	p, problem := s.load(ref.Page, &s.at)
	if p == nil {
		return nil, nil, damaged(ref.Page, "%s", problem)
	}
	e, ok := p.within(ref.Index)
	if ok && ref.Inner > 0 {
		if ok = e.isInline(); ok {
			e, ok = page(e.value[bucketSize:]).within(ref.Inner - 1)
		}
	}
	if !ok {
		return nil, nil, damaged(ref.Page, "has no such element")
	}
	return e.key, e.value, nil
}
