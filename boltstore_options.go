package session

import (
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"time"

	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

// BoltOptions are the options of [Open]. nil and the zero values mean the defaults.
type BoltOptions struct {
	// Reap is when expired sessions are deleted: a schedule as for [NewReaper]. "" means every 10
	// minutes (Connect's default), [Never] that only Reap does it.
	Reap string

	// SyncEvery has saves answer at once and be committed at most this long after, all in one go:
	// a power cut loses at most that much of what was accepted. Ends of sessions are committed
	// before they answer all the same. 0 has every save on disk when it returns.
	SyncEvery time.Duration

	// TouchInterval is how long a session's last access may be in memory only, but for what is
	// written with an accepted save, within SyncEvery. A session with a max age of less than ten of
	// it is written sooner. 0 means 30 seconds.
	TouchInterval time.Duration

	// MaxSize is how large the file may grow, in bytes. New sessions stop with ErrFull when 90 % is
	// in use, so that there is room for those that exist. 0 means 4 GiB, 1 GiB on 32-bit systems.
	MaxSize int64

	// MaxComponentSize is how large one component of a session may be, in encoded bytes. 0 means
	// [DefaultMaxComponentSize].
	MaxComponentSize int

	// Timeout is how long Open waits for another process to let go of the file. 0 means 500 ms.
	Timeout time.Duration

	// ReadOnly opens a file to look at it: it stays byte for byte as it is, and every write returns
	// an error that is errors.ErrUnsupported. Several processes can do so at once.
	ReadOnly bool

	// NoSocket keeps the store from being served to sessctl, on a socket beside the file that only
	// this user and root can use: FILE.sock. Where none can be made, because the path is too long
	// (107 bytes on Linux) or the directory unusable, a warning is logged and the store does
	// without. Nor has it one with ReadOnly, on systems other than Unix, or in a testing/synctest
	// bubble, whose time would not pass while somebody waits for clients.
	NoSocket bool

	// OnCorrupt is what Open does with a damaged file.
	OnCorrupt OnCorrupt

	// Keys encrypt the values of components with AES-256-GCM. Each has 32 random bytes. The first
	// one is for what is written, all of them for what is read: a new key goes before the old
	// ones, until [BoltStore.Rekey] has rewritten what they are needed for. Values that were
	// stored before there were keys stay readable, and in clear until they are saved again or
	// rekeyed. Metadata, the names of users and components and the sizes of values are never
	// encrypted. Without Keys, a file that was once opened with some gives [ErrEncrypted] for
	// values that are encrypted, and stores none. Open copies what it needs of the keys.
	Keys [][]byte

	// Logger gets what nobody is there to be told. nil means slog.Default.
	Logger *slog.Logger

	keys       *record.Keys         // made of Keys
	commit     func(*bolt.Tx) error // instead of Tx.Commit, in tests
	maxPending int64                // less than that, in tests
}

// OnCorrupt says what [Open] does with a damaged file.
type OnCorrupt int

const (
	// Refuse returns a *CorruptError and leaves the file as it is.
	Refuse OnCorrupt = iota
	// MoveAside renames the file, also an empty one, to FILE.corrupt-<time>, starts an empty store
	// in its place and logs an error: everybody is logged out, and the program runs.
	MoveAside
)

// The bounds of options.
const (
	defaultTouchInterval = 30 * time.Second
	defaultTimeout       = 500 * time.Millisecond
	minMaxSize           = 1 << 20
	maxMaxComponentSize  = 8 << 20 // a record must fit into what the verifier reads
)

// filled returns the options with their defaults, or what is wrong with them.
func (o *BoltOptions) filled() (f BoltOptions, err error) {
	if o != nil {
		f = *o
	}
	if err := f.check(); err != nil {
		return f, fmt.Errorf("session: BoltOptions: %w", err)
	}
	if f.keys, err = record.NewKeys(f.Keys); err != nil {
		return f, fmt.Errorf("session: BoltOptions: Keys: %w", err)
	}
	f.Keys = nil // what could log the options shall not log these
	if f.TouchInterval == 0 {
		f.TouchInterval = defaultTouchInterval
	}
	if f.MaxSize == 0 {
		f.MaxSize = 4 << 30
		if bits.UintSize == 32 {
			f.MaxSize = 1 << 30
		}
	}
	if f.MaxComponentSize == 0 {
		f.MaxComponentSize = DefaultMaxComponentSize
	}
	if f.Timeout == 0 {
		f.Timeout = defaultTimeout
	}
	if f.Logger == nil {
		f.Logger = slog.Default()
	}
	if f.maxPending == 0 {
		f.maxPending = maxPending
	}
	return f, nil
}

// check says what is wrong with the options as they were given.
func (o *BoltOptions) check() error {
	switch {
	case o.SyncEvery < 0:
		return fmt.Errorf("SyncEvery is %v; use 0 to have each save on disk when it returns", o.SyncEvery)
	case o.TouchInterval < 0:
		return fmt.Errorf("TouchInterval is %v; 0 means 30 seconds", o.TouchInterval)
	case o.Timeout < 0:
		return fmt.Errorf("Timeout is %v; 0 means half a second", o.Timeout)
	case o.MaxSize < 0 || o.MaxSize > 0 && o.MaxSize < minMaxSize:
		return fmt.Errorf("MaxSize is %d bytes, the least is %d; 0 means 4 GiB", o.MaxSize, minMaxSize)
	case bits.UintSize == 32 && o.MaxSize > 1<<30:
		return fmt.Errorf("MaxSize is %d bytes, a 32-bit system can map %d", o.MaxSize, 1<<30)
	case o.MaxComponentSize < 0 || o.MaxComponentSize > maxMaxComponentSize:
		return fmt.Errorf("MaxComponentSize is %d bytes, it can be up to %d", o.MaxComponentSize, maxMaxComponentSize)
	case o.MaxSize > 0 && int64(o.MaxComponentSize) > o.MaxSize/16:
		return fmt.Errorf("MaxComponentSize is %d bytes, more than a sixteenth of MaxSize", o.MaxComponentSize)
	case o.OnCorrupt != Refuse && o.OnCorrupt != MoveAside:
		return fmt.Errorf("OnCorrupt is %d, neither Refuse nor MoveAside", o.OnCorrupt)
	case o.ReadOnly:
		return o.checkReadOnly()
	}
	return nil
}

// checkReadOnly says which options make no sense for a file that is not written to.
func (o *BoltOptions) checkReadOnly() error {
	switch {
	case o.SyncEvery != 0:
		return errors.New("SyncEvery with ReadOnly: there are no saves to sync")
	case o.Reap != "" && o.Reap != Never:
		return errors.New("Reap with ReadOnly: nothing can be deleted")
	case o.TouchInterval != 0:
		return errors.New("TouchInterval with ReadOnly: no touch is stored")
	case o.OnCorrupt == MoveAside:
		return errors.New("OnCorrupt MoveAside with ReadOnly: the file is to stay as it is")
	}
	return nil
}
