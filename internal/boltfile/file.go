package boltfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Options are the options of Open. The zero value opens an existing file for reading and writing.
type Options struct {
	Timeout         time.Duration            // how long to wait for the lock; zero means 500 ms
	ReadOnly        bool                     // shared lock; the file stays byte-identical
	MaxSize         int64                    // bytes that the file may grow to; zero is no limit
	InitialMmapSize int                      // bytes to map at least, so that growth need not wait for readers
	Init            func(tx *bbolt.Tx) error // fills a file that Open creates; nil: a missing file is fs.ErrNotExist
	Visit           Visitor                  // called by the verification; see Verify
	Uncached        bool                     // verify what the disk has, not what the page cache has; see Reopen
	Warn            func(msg string)         // told what the operator should know; nil: nobody is
	Unusable        func(why error)          // see Open; nil: nobody is told
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 500 * time.Millisecond
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Unusable == nil {
		o.Unusable = func(error) {}
	}
	return o
}

// File is an open, locked and verified bbolt file. Its methods are safe for concurrent use.
type File struct {
	path   string
	file   *os.File // bbolt's own, kept to release the lock when bbolt cannot
	info   os.FileInfo
	db     *bbolt.DB
	report Report
	opts   Options
	begins beginner
	extent int64 // see Extend

	mu     sync.Mutex
	closed bool
}

// Open opens the bbolt file at path, which must be a regular file of this user that nobody else
// may read, in a directory that others cannot write to. It takes the lock, makes sure that path
// still names the locked file, verifies it (see Verify), and only then lets bbolt map it. A file
// that does not exist is created if o.Init is set: built aside, synced, and linked into place,
// so that a crash leaves either none or a whole one.
//
// The error is ErrKind, ErrFormat, ErrPermission, ErrNetworkFS, a *LockedError, a *DamageError or
// one of package os; the file is untouched then. What is wrong with the content is told to
// o.Unusable before the lock is released: a file that is moved away then is moved by one process,
// and those that wait for its lock open what takes its place.
func Open(ctx context.Context, path string, o Options) (*File, error) {
	o = o.withDefaults()
	if path == "" {
		return nil, errors.New("the path of the file is empty")
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs // so that a change of directory does not make it another file
	}
	f, info, err := openPath(ctx, path, o)
	if err != nil {
		return nil, err
	}
	return newFile(ctx, path, f, info, o)
}

// openPath opens and locks path, or what takes its place meanwhile.
func openPath(ctx context.Context, path string, o Options) (f *os.File, info os.FileInfo, err error) {
	deadline := time.Now().Add(o.Timeout)
	for {
		if err := prepareDir(ctx, path, o); err != nil {
			return nil, nil, err
		}
		f, info, err = openLocked(ctx, path, o, deadline)
		gone := errors.Is(err, ErrReplaced) || errors.Is(err, fs.ErrNotExist) && o.creates()
		if !gone || !time.Now().Before(deadline) {
			return f, info, err
		}
	}
}

// creates says whether a missing file is made.
func (o Options) creates() bool { return o.Init != nil && !o.ReadOnly }

// Reopen opens an existing file again after an uncertain commit. A failed fsync leaves pages in
// the page cache that the disk never got, marked clean as if it had: a verification through the
// cache would find all in order, and the next power cut would take it away. So the cache is
// dropped first, as far as the system lets us; the file must not be mapped any more.
func Reopen(ctx context.Context, path string, o Options) (*File, error) {
	o.Uncached, o.Init = true, nil
	return Open(ctx, path, o)
}

// prepareDir looks at the directory of path and creates the file if it is missing.
func prepareDir(ctx context.Context, path string, o Options) error {
	dir := filepath.Dir(path)
	if err := checkDir(dir, o.Warn); err != nil {
		return err
	}
	if o.ReadOnly {
		return nil
	}
	sweep(path)
	if err := create(ctx, path, o); err != nil {
		return err
	}
	// Whoever created or replaced the file may have died before its name was on disk. What is
	// committed from now on must not go down with the name.
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return nil
}

// openLocked opens and locks path and checks that it is a file we may use. It returns
// ErrReplaced if the file moved away meanwhile.
func openLocked(ctx context.Context, path string, o Options, deadline time.Time) (*os.File, os.FileInfo, error) {
	// Looking before opening keeps us from waking up a device or waiting for a FIFO.
	info, err := os.Lstat(path)
	if err != nil {
		return nil, nil, err
	}
	if err := checkKind(path, info); err != nil {
		return nil, nil, err
	}
	flag := os.O_RDWR
	if o.ReadOnly {
		flag = os.O_RDONLY
	}
	f, err := os.OpenFile(path, flag|openFlags, 0)
	if err != nil {
		return nil, nil, err
	}
	if info, err = checkOpen(ctx, path, f, o, deadline); err != nil {
		unlock(f)
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// checkOpen checks the descriptor, which unlike the path cannot change, and locks it.
func checkOpen(ctx context.Context, path string, f *os.File, o Options, deadline time.Time) (os.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkKind(path, info); err != nil {
		return nil, err
	}
	if err := checkOwner(path, info); err != nil {
		return nil, err
	}
	if err := lock(ctx, path, f, !o.ReadOnly, deadline); err != nil {
		return nil, err
	}
	return info, checkSame(path, info)
}

// checkSame returns ErrReplaced unless path names the file that info is of.
func checkSame(path string, info os.FileInfo) error {
	now, err := os.Lstat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err != nil || !os.SameFile(now, info) {
		return fmt.Errorf("%s: %w", path, ErrReplaced)
	}
	return nil
}

// newFile verifies the locked file f and hands it to bbolt. It closes f when it fails.
func newFile(ctx context.Context, path string, f *os.File, info os.FileInfo, o Options) (*File, error) {
	if o.Uncached {
		dropCache(f)
	}
	report, err := verifyFile(ctx, path, f, o.Visit)
	if err != nil {
		o.Unusable(err)
		unlock(f)
		f.Close()
		return nil, err
	}
	for _, w := range report.Warnings {
		o.Warn(path + ": " + w)
	}
	db, err := openDB(f, o)
	if err != nil {
		return nil, err
	}
	return &File{path: path, file: f, info: info, db: db, report: report, opts: o}, nil
}

// DB returns the database. It is closed by Close.
func (f *File) DB() *bbolt.DB { return f.db }

// Path returns the absolute path of the file.
func (f *File) Path() string { return f.path }

// Report returns what the verification at Open found.
func (f *File) Report() Report { return f.report }

// Same says whether both are of one file, even if that was closed in between.
func (f *File) Same(g *File) bool { return os.SameFile(f.info, g.info) }

// CheckPath returns ErrReplaced unless the path still names the open file. A store whose file
// was moved away or removed writes into the void, and a second one may be open under its path.
func (f *File) CheckPath() error { return checkSame(f.path, f.info) }
