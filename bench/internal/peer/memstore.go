package peer

import (
	"time"

	"github.com/alexedwards/scs/v2/memstore"
)

// inMemory is scs with its memstore, as scs.New has it.
type inMemory struct {
	scsApp
	store *memstore.MemStore
}

func openMemstore(o Options) (Peer, error) {
	store := memstore.New()
	return &inMemory{newSCS(o, store, 0), store}, nil
}

func (p *inMemory) Fill(from, n int, life time.Duration) ([]string, error) {
	return p.fill(from, n, life, p.store.Commit)
}

func (p *inMemory) Size() int64 { return 0 }

func (p *inMemory) Close() error {
	p.store.StopCleanup()
	return nil
}
