// Package peer has the ways to keep sessions that are measured, each of them behind the same small
// app, and configured as its documentation advises.
package peer

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The names of the peers.
const (
	Ours          = "session"
	OursRelaxed   = "session SyncEvery"
	OursEncrypted = "session encrypted"
	Memstore      = "scs memstore"
	SQLite        = "scs sqlite3store"
	SQLiteIdle    = "scs sqlite3store idle"
	Bolt          = "scs bolt"
	BoltIdle      = "scs bolt idle"
	Gorilla       = "gorilla files"
	Iris          = "iris boltdb"
	RawPut        = "bbolt Put"
	RawSync       = "fdatasync"
	None          = "no session"
)

// About says what each peer is and how it is set up, in the order of tables.
var About = []struct{ Name, Text string }{
	{Ours, "this library, `session.Open` with its defaults: each save is on disk when the response leaves, idle timeout of 4 h, touches every 30 s"},
	{OursRelaxed, "the same with `SyncEvery: time.Second`: saves answer at once and are on disk a second later"},
	{OursEncrypted, "the same as the first with `Keys`: values under AES-256-GCM"},
	{Memstore, "github.com/alexedwards/scs/v2 with its memstore: nothing survives the process"},
	{SQLite, "scs with its sqlite3store: WAL, `synchronous=FULL`, one connection, which is faster here than several that wait for each other's locks"},
	{SQLiteIdle, "the same with scs's `IdleTimeout`, which rewrites the session at each request"},
	{Bolt, "scs with a plain bbolt store of the shape that scs/boltstore has: one bucket, 8 bytes of expiry and a blob, one `db.Update` per commit, clean-up by a full scan in one transaction. It is written for this comparison, as that module cannot be had from the module proxy"},
	{BoltIdle, "the same with scs's `IdleTimeout`"},
	{Gorilla, "github.com/gorilla/sessions with its FilesystemStore: a file per session, overwritten in place, never synced: a crash can leave it torn or empty"},
	{Iris, "github.com/kataras/iris/v12 with its sessions and its boltdb: a `db.Update` per value that is set, through iris's own router"},
	{RawPut, "a bare `db.Update` with one `Put` of as many bytes into a bucket of as many keys: the limit of a bbolt store without grouping"},
	{RawSync, "a bare `pwrite` and `fdatasync` per request into a file of fixed size: what the disk can do"},
	{None, "the same app without a session: what the measurement itself costs"},
}

// Options say how a peer is opened.
type Options struct {
	Dir        string        // for its files: empty, or with those of a peer of the same name
	Shape      Shape         // of the sessions that Fill makes
	TouchEvery time.Duration // how long a touch may be in memory, where a peer has that; 0: its default
	Hold       func()        // what /hold waits for
}

// Peer is an app over one way to keep sessions. It is safe for concurrent use, but for Fill and
// Close. What else a peer can do, it has one of the interfaces below for.
type Peer interface {
	http.Handler

	// Fill adds n sessions of Options.Shape, as fast as the peer allows, and returns what their
	// clients send as Cookie. from is how many there are. The sessions expire after life, late
	// enough when that is 0.
	Fill(from, n int, life time.Duration) (cookies []string, err error)

	// Size returns the bytes in use of the peer's files, up to the last page ever used.
	Size() int64

	Close() error
}

// What only some peers can do.
type (
	Reaper   interface{ Reap() (int, error) }   // deletes expired sessions now
	Lengther interface{ Length() (int, error) } // counts sessions
	Walker   interface{ All() (int, error) }    // reads all sessions
	Finder   interface {
		ByUser(user string) (int, error)
	} // finds a user's sessions
	Clearer   interface{ Clear() (int, error) }       // ends all sessions
	Toucher   interface{ Touch(cookie string) error } // moves the last access
	Saver     interface{ Save(n int) error }          // saves one value of one session without a request
	Settler   interface{ Settle() error }             // has the disk get what is owed to it
	Forgetter interface{ Forget() }                   // drops what it remembers of the sessions that it filled
	Commits   interface{ Commits() uint64 }           // how many commits there were
)

// Names returns the peers in the order of tables.
func Names() (names []string) {
	for _, a := range About {
		names = append(names, a.Name)
	}
	return names
}

// Rank returns the place of a peer in tables.
func Rank(name string) int { return slices.Index(Names(), name) }

// Open opens a peer.
func Open(name string, opts Options) (Peer, error) {
	open := map[string]func(Options) (Peer, error){
		Ours:          func(o Options) (Peer, error) { return openOurs(o, oursPlain) },
		OursRelaxed:   func(o Options) (Peer, error) { return openOurs(o, oursRelaxed) },
		OursEncrypted: func(o Options) (Peer, error) { return openOurs(o, oursEncrypted) },
		Memstore:      openMemstore,
		SQLite:        func(o Options) (Peer, error) { return openSQLite(o, 0) },
		SQLiteIdle:    func(o Options) (Peer, error) { return openSQLite(o, idleTimeout) },
		Bolt:          func(o Options) (Peer, error) { return openSCSBolt(o, 0) },
		BoltIdle:      func(o Options) (Peer, error) { return openSCSBolt(o, idleTimeout) },
		Gorilla:       openGorilla,
		Iris:          openIris,
		RawPut:        openRawPut,
		RawSync:       openRawSync,
		None:          openNone,
	}[name]
	if open == nil {
		return nil, fmt.Errorf("no peer %q", name)
	}
	p, err := open(opts)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return p, nil
}
