package peer

import (
	"fmt"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// openBolt opens a bbolt file as bbolt's own documentation does.
func openBolt(dir string) (*bolt.DB, error) {
	return bolt.Open(filepath.Join(dir, "sessions.db"), 0o600, &bolt.Options{Timeout: time.Second})
}

// boltSize returns the bytes of a file up to the last page ever used.
func boltSize(db *bolt.DB) (size int64) {
	db.View(func(tx *bolt.Tx) error { size = tx.Size(); return nil })
	return size
}

// bulk puts n items in transactions as small as ours are at most: a few large ones would leave as
// many free pages as there are others, and a freelist that each later commit writes. Filling is not
// measured, so nothing is synced before its end.
func bulk(db *bolt.DB, n int, put func(tx *bolt.Tx, i int) error) error {
	const perTx = 256
	db.NoSync = true
	defer func() { db.NoSync = false }()
	for from := 0; from < n; from += perTx {
		err := db.Update(func(tx *bolt.Tx) error {
			for i := from; i < min(n, from+perTx); i++ {
				if err := put(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("fill file: %w", err)
		}
	}
	return db.Sync()
}
