package peer

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/alexedwards/scs/sqlite3store"
	_ "github.com/mattn/go-sqlite3" // the driver that sqlite3store's documentation names
)

// scsSQLite is scs with its sqlite3store.
type scsSQLite struct {
	scsApp
	db   *sql.DB
	path string
}

// sqliteTable is from the documentation of sqlite3store.
const sqliteTable = `
CREATE TABLE IF NOT EXISTS sessions (token TEXT PRIMARY KEY, data BLOB NOT NULL, expiry REAL NOT NULL);
CREATE INDEX IF NOT EXISTS sessions_expiry_idx ON sessions(expiry);`

// openSQLite opens the store durable, as all others are: WAL with synchronous=FULL syncs once per
// commit. One connection makes writers queue in Go; with several they meet SQLite's busy handler,
// which sleeps, and both rate and latency are worse. The clean-up is run when told.
func openSQLite(o Options, idle time.Duration) (Peer, error) {
	path := filepath.Join(o.Dir, "sessions.sqlite")
	db, err := sql.Open("sqlite3", "file:"+path+"?_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(sqliteTable); err != nil {
		return nil, fmt.Errorf("create table: %w", err)
	}
	return &scsSQLite{newSCS(o, sqlite3store.NewWithCleanupInterval(db, 0), idle), db, path}, nil
}

// Fill does in one transaction what the store's Commit does in one each.
func (p *scsSQLite) Fill(from, n int, life time.Duration) ([]string, error) {
	tx, err := p.db.Begin()
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // nothing to do after Commit
	insert, err := tx.Prepare("REPLACE INTO sessions (token, data, expiry) VALUES ($1, $2, julianday($3))")
	if err != nil {
		return nil, err
	}
	cookies, err := p.fill(from, n, life, func(token string, blob []byte, expiry time.Time) error {
		_, err := insert.Exec(token, blob, expiry.UTC().Format("2006-01-02T15:04:05.999"))
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, err
	}
	return cookies, p.Settle()
}

// Reap runs the statement of the store's clean-up.
func (p *scsSQLite) Reap() (int, error) {
	res, err := p.db.Exec("DELETE FROM sessions WHERE expiry < julianday('now')")
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Settle moves what is in the write-ahead log into the database.
func (p *scsSQLite) Settle() error {
	_, err := p.db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

func (p *scsSQLite) Size() (size int64) {
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(p.path + suffix); err == nil {
			size += info.Size()
		}
	}
	return size
}

func (p *scsSQLite) Close() error { return p.db.Close() }
