package boltfile

import (
	"os"
	"time"
)

type Page = page

var (
	ParseMeta = parseMeta
	Order     = order
)

const TempAge = tempAge

// CloseWithin is CloseDirty with another patience.
func (f *File) CloseWithin(wait time.Duration) error { return f.closeWithin(wait) }

func (p page) Kind() uint16              { return p.kind() }
func (p page) Count() int                { return p.count() }
func (p page) Overflow() uint64          { return p.overflow() }
func (p page) Child(i int) uint64        { return p.element(i).child }
func (p page) Entry(i int) (k, v []byte) { return p.element(i).key, p.element(i).value }
func (m meta) Fields() (root, list, n uint64, txid uint64) {
	return m.root, m.freelist, m.pages, m.txid
}

// OpenUnverified is the last step of Open without the others.
func OpenUnverified(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	db, err := openDB(f, Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	return db.Close()
}
