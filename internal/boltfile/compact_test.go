package boltfile_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// bloated returns an open store of which most was deleted.
func bloated(t *testing.T) *boltfile.File {
	t.Helper()
	f := open(t, newStore(t, 1500), boltfile.Options{})
	err := f.DB().Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("sessions")).Bucket([]byte("global"))
		for i := 200; i < 1500; i++ {
			if err := b.Delete(sessionKey(i)); err != nil {
				return err
			}
		}
		// More than one transaction of the copy, in a bucket that is open meanwhile, and a
		// value of no bytes.
		big, err := tx.CreateBucket([]byte("big"))
		if err != nil {
			return err
		}
		for i := range 40 {
			if err := big.Put(sessionKey(i), bytes.Repeat([]byte{1}, 100_000)); err != nil {
				return err
			}
		}
		inner, err := big.CreateBucket([]byte("inner"))
		if err != nil {
			return err
		}
		return errors.Join(inner.Put([]byte("empty"), nil), inner.SetSequence(7), big.SetSequence(1<<40))
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestCompact(t *testing.T) {
	f := bloated(t)
	before, digest := mustRead(t, f.Path()), mustDigest(t, f)
	compact, err := boltfile.Compact(t.Context(), f, boltfile.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer compact.Close()
	mustBeAlone(t, filepath.Dir(f.Path()), "store.db")
	if got := mustDigest(t, compact); got != digest {
		t.Error("the compacted file differs")
	}
	if after := mustRead(t, f.Path()); len(after) > len(before)*9/10 {
		t.Errorf("%d bytes became %d", len(before), len(after))
	}
	for name, want := range map[string]boltfile.Bucket{
		"sessions/global": {Keys: 200, Sequence: 1500},
		"big":             {Keys: 40, Sequence: 1 << 40},
		"big/inner":       {Keys: 1, Sequence: 7},
	} {
		if got := compact.Report().Buckets[name]; got != want {
			t.Errorf("bucket %s = %+v, want %+v", name, got, want)
		}
	}
	if !compact.Report().FreelistSynced {
		t.Error("the compacted file has no freelist")
	}
	if err := f.DB().View(func(*bbolt.Tx) error { return nil }); !errors.Is(err, berrors.ErrDatabaseNotOpen) {
		t.Errorf("the old file is still open: %v", err)
	}
	if err := errors.Join(compact.CheckPath(), f.Close(), change(compact.DB(), "still writable")); err != nil {
		t.Error(err)
	}
	var locked *boltfile.LockedError
	if _, err := boltfile.Open(t.Context(), f.Path(), boltfile.Options{Timeout: 1}); !errors.As(err, &locked) {
		t.Errorf("Open = %v, want a LockedError: the compacted file must be locked", err)
	}
}

// Readers go on until the swap; a commit in between is not lost but stops the swap.
func TestCompactPhases(t *testing.T) {
	f := bloated(t)
	c, err := boltfile.PrepareCompact(t.Context(), f, boltfile.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	digest := mustDigest(t, f)
	if err := change(f.DB(), "in between"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Swap(); !errors.Is(err, boltfile.ErrChanged) {
		t.Errorf("Swap = %v, want ErrChanged", err)
	}
	mustBeAlone(t, filepath.Dir(f.Path()), "store.db")
	if mustDigest(t, f) == digest {
		t.Error("the commit is lost")
	}

	if c, err = boltfile.PrepareCompact(t.Context(), f, boltfile.Options{}, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Discard(); err != nil {
		t.Error(err)
	}
	mustBeAlone(t, filepath.Dir(f.Path()), "store.db")
	if err := errors.Join(f.CheckPath(), change(f.DB(), "afterwards")); err != nil {
		t.Error(err)
	}
}

func TestCompactFailedLeavesFile(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ctx  context.Context
		o    boltfile.Options
		stop func() error
		want error
	}{
		{"stopped at once", t.Context(), boltfile.Options{}, stopAfter(0), errStop},
		{"stopped later", t.Context(), boltfile.Options{}, stopAfter(2), errStop},
		{"canceled", canceled, boltfile.Options{}, nil, context.Canceled},
		{"unsound record", t.Context(), boltfile.Options{Visit: func([]string, []byte, []byte) error { return errSum }}, nil, errSum},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := bloated(t)
			before := mustRead(t, f.Path())
			if _, err := boltfile.Compact(tt.ctx, f, tt.o, tt.stop); !errors.Is(err, tt.want) {
				t.Errorf("Compact = %v, want %v", err, tt.want)
			}
			mustBeAlone(t, filepath.Dir(f.Path()), "store.db")
			if !bytes.Equal(mustRead(t, f.Path()), before) {
				t.Error("the file changed")
			}
			if err := errors.Join(f.CheckPath(), change(f.DB(), "afterwards")); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCompactSmallCanBeStopped(t *testing.T) {
	f := open(t, newStore(t, 10), boltfile.Options{})
	if _, err := boltfile.Compact(t.Context(), f, boltfile.Options{}, stopAfter(0)); !errors.Is(err, errStop) {
		t.Errorf("Compact = %v, want errStop", err)
	}
}

func TestCompactReadOnly(t *testing.T) {
	f := open(t, newStore(t, 10), boltfile.Options{ReadOnly: true})
	if _, err := boltfile.Compact(t.Context(), f, boltfile.Options{}, nil); !errors.Is(err, berrors.ErrDatabaseReadOnly) {
		t.Errorf("Compact = %v, want ErrDatabaseReadOnly", err)
	}
}
