package peer

import (
	"time"

	bolt "go.etcd.io/bbolt"
)

// scsBolt is scs with a plain bbolt store.
type scsBolt struct {
	scsApp
	store *plainBolt
}

// openSCSBolt opens the store without the clean-up by the minute: it is measured when told.
func openSCSBolt(o Options, idle time.Duration) (Peer, error) {
	db, err := openBolt(o.Dir)
	if err != nil {
		return nil, err
	}
	store, err := newPlainBolt(db)
	if err != nil {
		return nil, err
	}
	return &scsBolt{newSCS(o, store, idle), store}, nil
}

func (p *scsBolt) Fill(from, n int, life time.Duration) ([]string, error) {
	type entry struct {
		token  string
		blob   []byte
		expiry time.Time
	}
	var entries []entry
	cookies, err := p.fill(from, n, life, func(token string, blob []byte, expiry time.Time) error {
		entries = append(entries, entry{token, blob, expiry})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cookies, bulk(p.store.db, n, func(tx *bolt.Tx, i int) error {
		return putPlain(tx, entries[i].token, entries[i].blob, entries[i].expiry)
	})
}

func (p *scsBolt) Reap() (int, error) { return p.store.cleanUp() }
func (p *scsBolt) Size() int64        { return boltSize(p.store.db) }
func (p *scsBolt) Close() error       { return p.store.db.Close() }
