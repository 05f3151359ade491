package boltfile

import "time"

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
