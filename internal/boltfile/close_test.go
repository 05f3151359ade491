package boltfile_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

func TestCloseStoresFreelist(t *testing.T) {
	path := newStore(t, 500)
	f := open(t, path, boltfile.Options{})
	if err := change(f.DB(), "x"); err != nil {
		t.Fatal(err)
	}
	digest := mustDigest(t, f)
	if err := errors.Join(f.Close(), f.Close(), f.CloseDirty()); err != nil {
		t.Fatal(err)
	}
	closed := mustRead(t, path)
	again := open(t, path, boltfile.Options{Visit: checkSum})
	if !again.Report().FreelistSynced || len(again.Report().Warnings) != 0 {
		t.Errorf("report = %+v", again.Report())
	}
	if mustDigest(t, again) != digest {
		t.Error("the content changed")
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mustRead(t, path), closed) {
		t.Error("Close wrote to a file that nobody had written to")
	}
}

func TestCloseDirtyWritesNothing(t *testing.T) {
	path := newStore(t, 500)
	f := open(t, path, boltfile.Options{})
	if err := change(f.DB(), "x"); err != nil {
		t.Fatal(err)
	}
	before := mustRead(t, path)
	if err := errors.Join(f.CloseDirty(), f.CloseDirty(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(mustRead(t, path), before) {
		t.Error("CloseDirty wrote to the file")
	}
	if report := open(t, path, boltfile.Options{}).Report(); report.FreelistSynced {
		t.Error("CloseDirty stored the freelist")
	}
}

// A panic in the middle of bbolt can leave its locks held for ever. The file can be opened
// again all the same.
func TestCloseDirtyWhenStuck(t *testing.T) {
	path := newStore(t, 50)
	f := open(t, path, boltfile.Options{})
	tx, err := f.DB().Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.CloseWithin(time.Millisecond); !errors.Is(err, boltfile.ErrBusy) {
		t.Errorf("CloseDirty = %v, want ErrBusy", err)
	}
	again, err := boltfile.Reopen(t.Context(), path, boltfile.Options{Visit: checkSum})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(change(again.DB(), "goes on"), again.Close(), tx.Rollback()); err != nil {
		t.Error(err)
	}
}

// A list of free pages that cannot be stored is no failure to close.
func TestCloseWhenFreelistFails(t *testing.T) {
	path := newStore(t, 50)
	var warnings []string
	f := open(t, path, boltfile.Options{Warn: func(msg string) { warnings = append(warnings, msg) }})
	if err := change(f.DB(), "x"); err != nil {
		t.Fatal(err)
	}
	digest := mustDigest(t, f)
	if err := f.DB().Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "free pages") {
		t.Errorf("warnings = %q", warnings)
	}
	if mustDigest(t, open(t, path, boltfile.Options{})) != digest {
		t.Error("the content changed")
	}
}

func TestGuard(t *testing.T) {
	boom := errors.New("boom")
	if err := boltfile.Guard(func() error { return boom }); err != boom {
		t.Errorf("Guard = %v, want the error of the function", err)
	}
	var panicked *boltfile.PanicError
	err := boltfile.Guard(func() error { panic("assertion failed: page 7") })
	if !errors.As(err, &panicked) || panicked.Reason != "assertion failed: page 7" {
		t.Errorf("Guard = %v, want a PanicError", err)
	}
	err = boltfile.Guard(func() error { panic("key[0]=(hex)736563726574 on leaf page(3)") })
	if err == nil || strings.Contains(err.Error(), "736563726574") {
		t.Errorf("Guard = %v, must not tell the key", err)
	}
}

// If bbolt panics in Open after all, its mapping stays, but the lock must not stay with it.
func TestOpenPanicReleasesLock(t *testing.T) {
	path := newStore(t, 50)
	im := image(mustRead(t, path))
	_, _, list, _ := im.newest(t)
	kind := func(k byte) {
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		if _, err := w.WriteAt([]byte{k}, int64(list*pageSize)+8); err != nil {
			t.Fatal(err)
		}
	}
	kind(2)
	err := boltfile.OpenUnverified(path)
	var panicked *boltfile.PanicError
	if !errors.As(err, &panicked) {
		t.Fatalf("opening an invalid freelist = %v, want a panic of bbolt's", err)
	}
	kind(0x10)
	open(t, path, boltfile.Options{})
}

// A file that is cut off while it is mapped is a memory fault for whoever reads it.
func TestGuardCatchesFaults(t *testing.T) {
	path := newStore(t, 2000)
	f := open(t, path, boltfile.Options{})
	if err := os.Truncate(path, int64(pageSize)*4); err != nil {
		t.Fatal(err)
	}
	err := boltfile.Guard(func() error {
		_, err := digestOf(f.DB())
		return err
	})
	var panicked *boltfile.PanicError
	if !errors.As(err, &panicked) {
		t.Errorf("reading a truncated mapping = %v, want a PanicError", err)
	}
}

func TestMaxSize(t *testing.T) {
	path := newStore(t, 50)
	f := open(t, path, boltfile.Options{MaxSize: 1 << 20})
	err := f.DB().Update(func(tx *bbolt.Tx) error {
		return put(tx, []byte("big"), make([]byte, 2<<20), "sessions", "global")
	})
	if !boltfile.IsFull(err) || boltfile.IsUncertain(err) {
		t.Errorf("Update = %v: full %v, uncertain %v", err, boltfile.IsFull(err), boltfile.IsUncertain(err))
	}
	if err := change(f.DB(), "small"); err != nil {
		t.Errorf("a small change after it = %v", err)
	}
}
