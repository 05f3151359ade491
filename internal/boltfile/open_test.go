package boltfile_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

func TestOpenRefusesWhatIsNoStore(t *testing.T) {
	tests := []struct {
		name    string
		content string
		want    error
	}{
		{"empty", "", boltfile.ErrFormat},
		{"text", "this is a text\n", boltfile.ErrFormat},
		{"long text", strings.Repeat("this is a text\n", 10000), boltfile.ErrFormat},
		{"zeros", strings.Repeat("\x00", 1<<16), boltfile.ErrFormat},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := boltfile.Open(t.Context(), path, boltfile.Options{Init: fill(1)})
			if !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
			if _, err := boltfile.Verify(t.Context(), path, nil); !errors.Is(err, tt.want) {
				t.Errorf("Verify = %v, want %v", err, tt.want)
			}
			if got := mustRead(t, path); string(got) != tt.content {
				t.Error("Open changed the file")
			}
		})
	}
}

func TestOpenMissing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	for _, o := range []boltfile.Options{{}, {ReadOnly: true, Init: fill(1)}} {
		if _, err := boltfile.Open(t.Context(), path, o); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Open = %v, want fs.ErrNotExist", err)
		}
	}
	if _, err := boltfile.Reopen(t.Context(), path, boltfile.Options{Init: fill(1)}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Reopen = %v, want fs.ErrNotExist: it must not begin afresh", err)
	}
	mustBeAlone(t, dir)
}

func TestOpenCreates(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	f := open(t, path, boltfile.Options{Init: fill(100), Visit: checkSum})
	mustBeAlone(t, dir, "store.db")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, want 0600", info.Mode())
	}
	if got := f.Report().Buckets["sessions/global"]; got.Keys != 100 || got.Sequence != 100 {
		t.Errorf("sessions/global = %+v, want 100 keys, sequence 100", got)
	}
}

func TestOpenFailedInitLeavesNothing(t *testing.T) {
	boom := errors.New("boom")
	inits := map[string]func(*bbolt.Tx) error{
		"error": func(*bbolt.Tx) error { return boom },
		"panic": func(*bbolt.Tx) error { panic(boom) },
	}
	for name, init := range inits {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := boltfile.Open(t.Context(), filepath.Join(dir, "store.db"), boltfile.Options{Init: init})
			if err == nil || !strings.Contains(err.Error(), "boom") {
				t.Errorf("Open = %v, want boom", err)
			}
			mustBeAlone(t, dir)
		})
	}
}

// Several processes that create the file at once end up with one, made by one of them.
func TestOpenCreateRace(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		path := filepath.Join(dir, "store.db")
		var wg sync.WaitGroup
		var mu sync.Mutex
		digests := make(map[string]bool)
		for i := range 4 {
			wg.Go(func() {
				f, err := boltfile.Open(t.Context(), path, boltfile.Options{Init: fill(10 + i), Timeout: time.Minute})
				if err != nil {
					t.Error(err)
					return
				}
				digest, err := digestOf(f.DB())
				if err := errors.Join(err, f.Close()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				digests[digest] = true
			})
		}
		wg.Wait()
		if len(digests) != 1 {
			t.Fatalf("%d different files were seen, want 1", len(digests))
		}
		mustBeAlone(t, dir, "store.db")
	}
}

func TestOpenReadOnlyLeavesFile(t *testing.T) {
	for _, clean := range []bool{true, false} {
		path := newStore(t, 300)
		f := open(t, path, boltfile.Options{})
		if err := change(f.DB(), "x"); err != nil {
			t.Fatal(err)
		}
		closeFile := f.CloseDirty
		if clean {
			closeFile = f.Close
		}
		if err := closeFile(); err != nil {
			t.Fatal(err)
		}
		long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
		before := mustRead(t, path)

		a := open(t, path, boltfile.Options{ReadOnly: true})
		b := open(t, path, boltfile.Options{ReadOnly: true}) // the lock is shared
		mustDigest(t, a)
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if !info.ModTime().Equal(long) || !bytes.Equal(mustRead(t, path), before) {
			t.Errorf("clean %v: a read-only open changed the file", clean)
		}
	}
}

func TestOpenLocked(t *testing.T) {
	path := newStore(t, 10)
	synctest.Test(t, func(t *testing.T) {
		f := open(t, path, boltfile.Options{})
		defer f.Close()
		for _, o := range []boltfile.Options{{}, {Timeout: 80 * time.Millisecond}, {ReadOnly: true}} {
			start := time.Now()
			_, err := boltfile.Open(t.Context(), path, o)
			var locked *boltfile.LockedError
			if !errors.As(err, &locked) || locked.Path != path {
				t.Errorf("Open = %v, want a LockedError of %s", err, path)
			}
			want := o.Timeout
			if want == 0 {
				want = 500 * time.Millisecond
			}
			if took := time.Since(start); took < want || took > want+100*time.Millisecond {
				t.Errorf("Open took %v, want %v", took, want)
			}
		}
	})
}

func TestOpenLockedHonoursContext(t *testing.T) {
	path := newStore(t, 10)
	synctest.Test(t, func(t *testing.T) {
		f := open(t, path, boltfile.Options{})
		defer f.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := boltfile.Open(ctx, path, boltfile.Options{Timeout: time.Hour})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open = %v, want the context's error", err)
		}
	})
}

func TestOpenWaitsForLock(t *testing.T) {
	path := newStore(t, 10)
	synctest.Test(t, func(t *testing.T) {
		f := open(t, path, boltfile.Options{})
		time.AfterFunc(time.Second, func() { f.Close() })
		if err := open(t, path, boltfile.Options{Timeout: 2 * time.Second}).Close(); err != nil {
			t.Error(err)
		}
	})
}

// A file that is replaced while somebody waits for its lock is not the one to open.
func TestOpenReplacedWhileWaiting(t *testing.T) {
	path, other := newStore(t, 10), newStore(t, 20)
	synctest.Test(t, func(t *testing.T) {
		f := open(t, path, boltfile.Options{})
		time.AfterFunc(time.Second, func() {
			if err := errors.Join(os.Rename(other, path), f.CloseDirty()); err != nil {
				t.Error(err)
			}
		})
		got := open(t, path, boltfile.Options{Timeout: 2 * time.Second})
		defer got.Close()
		if err := got.CheckPath(); err != nil || got.Report().Buckets["sessions/global"].Keys != 20 {
			t.Errorf("opened the file with %d sessions, %v", got.Report().Buckets["sessions/global"].Keys, err)
		}
	})
}

func TestCheckPath(t *testing.T) {
	changes := map[string]func(path string) error{
		"removed": os.Remove,
		"renamed": func(path string) error { return os.Rename(path, path+".old") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, []byte("x"), 0o600))
		},
	}
	for name, do := range changes {
		t.Run(name, func(t *testing.T) {
			path := newStore(t, 10)
			f := open(t, path, boltfile.Options{})
			if err := f.CheckPath(); err != nil {
				t.Errorf("CheckPath before = %v", err)
			}
			if err := do(path); err != nil {
				t.Fatal(err)
			}
			if err := f.CheckPath(); !errors.Is(err, boltfile.ErrReplaced) {
				t.Errorf("CheckPath = %v, want ErrReplaced", err)
			}
			if err := boltfile.Backup(t.Context(), f, path+".bak", nil, func() {}); !errors.Is(err, boltfile.ErrReplaced) {
				t.Errorf("Backup = %v, want ErrReplaced", err)
			}
			if _, err := boltfile.Compact(t.Context(), f, boltfile.Options{}, nil); !errors.Is(err, boltfile.ErrReplaced) {
				t.Errorf("Compact = %v, want ErrReplaced", err)
			}
		})
	}
}

// What a crash leaves of a file under construction goes, but only if nobody works on it.
func TestOpenSweeps(t *testing.T) {
	path := newStore(t, 10)
	dir := filepath.Dir(path)
	old := time.Now().Add(-2 * boltfile.TempAge)
	for name, mtime := range map[string]time.Time{
		"store.db.tmp0123456789abcdef": old,
		"store.db.tmp1123456789abcdef": time.Now(),
		"store.db.tmp2":                old,
		"store.db.tmp2123456789abcdex": old,
		"other.db.tmp0123456789abcdef": old,
	} {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, old, mtime)); err != nil {
			t.Fatal(err)
		}
	}
	held := filepath.Join(dir, "store.db.tmp3123456789abcdef")
	if err := os.Link(newStore(t, 1), held); err != nil {
		t.Fatal(err)
	}
	open(t, held, boltfile.Options{})
	if err := os.Chtimes(held, old, old); err != nil {
		t.Fatal(err)
	}
	open(t, path, boltfile.Options{})
	mustBeAlone(t, dir, "other.db.tmp0123456789abcdef", "store.db", "store.db.tmp1123456789abcdef",
		"store.db.tmp2", "store.db.tmp2123456789abcdex", "store.db.tmp3123456789abcdef")
}
