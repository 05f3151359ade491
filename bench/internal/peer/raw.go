package peer

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
)

// rawPut puts as many bytes under a key as a session has, and does nothing else.
type rawPut struct {
	db    *bolt.DB
	value []byte
	keys  [][]byte
}

func openRawPut(o Options) (Peer, error) {
	db, err := openBolt(o.Dir)
	if err != nil {
		return nil, err
	}
	store, err := newPlainBolt(db)
	if err != nil {
		return nil, err
	}
	return &rawPut{db: store.db, value: make([]byte, o.Shape.Bytes())}, nil
}

// ServeHTTP puts under the key that the cookie names.
func (p *rawPut) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := p.put([]byte(r.Header.Get("Cookie"))); err != nil {
		refuse(w, err)
		return
	}
	io.WriteString(w, "1\n")
}

func (p *rawPut) put(key []byte) error {
	return p.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(plainBucket).Put(key, p.value) })
}

func (p *rawPut) Fill(_, n int, _ time.Duration) ([]string, error) {
	cookies := make([]string, n)
	err := bulk(p.db, n, func(tx *bolt.Tx, i int) error {
		key := []byte(rand.Text())
		p.keys, cookies[i] = append(p.keys, key), string(key)
		return tx.Bucket(plainBucket).Put(key, p.value)
	})
	return cookies, err
}

func (p *rawPut) Save(n int) error { return p.put(p.keys[n%len(p.keys)]) }
func (p *rawPut) Forget()          { p.keys = nil }
func (p *rawPut) Size() int64      { return boltSize(p.db) }
func (p *rawPut) Close() error     { return p.db.Close() }

// rawSync writes as many bytes as a session has and syncs, and does nothing else.
type rawSync struct {
	mu    sync.Mutex
	file  *os.File
	value []byte
	next  atomic.Int64
}

const rawPages = 1024 // that the file has, all written before

func openRawSync(o Options) (Peer, error) {
	f, err := os.OpenFile(filepath.Join(o.Dir, "raw"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for range rawPages { // one by one, as the kernel keeps large writes in large pieces
		if _, err := f.Write(make([]byte, 1<<12)); err != nil {
			return nil, fmt.Errorf("write file: %w", err)
		}
	}
	return &rawSync{file: f, value: make([]byte, o.Shape.Bytes())}, f.Sync()
}

func (p *rawSync) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if err := p.Save(int(p.next.Add(1))); err != nil {
		refuse(w, err)
		return
	}
	io.WriteString(w, "1\n")
}

// Save writes to one page, one caller at a time.
func (p *rawSync) Save(n int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.file.WriteAt(p.value, int64(n%rawPages)<<12); err != nil {
		return err
	}
	return syscall.Fdatasync(int(p.file.Fd()))
}

func (p *rawSync) Fill(_, n int, _ time.Duration) ([]string, error) { return make([]string, n), nil }
func (p *rawSync) Size() int64                                      { return rawPages << 12 }
func (p *rawSync) Close() error                                     { return p.file.Close() }
