package boltfile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"go.etcd.io/bbolt"
)

// TestCommitOnDamage: a commit that fails in a file that was damaged after it was opened gives a
// *DamageError, and the process lives. Committed by bbolt alone it dies.
func TestCommitOnDamage(t *testing.T) {
	for _, tc := range []struct{ how, want string }{
		{"ours", "damage true, uncertain true, rolled back: <nil>, closed: <nil>"},
		{"bbolt's", "panic: "},
	} {
		t.Run(tc.how, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "test.db")
			out, err := child(t.Context(), t, "commit", path, tc.how).CombinedOutput()
			if died := err != nil; died == (tc.how == "ours") || !strings.Contains(string(out), tc.want) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// TestCommitFailsWithoutDamage: the file can be committed to after a commit that failed for want of
// room.
func TestCommitFailsWithoutDamage(t *testing.T) {
	f := openForCommit(t.Context(), t, filepath.Join(t.TempDir(), "test.db"))
	tx := tooMuch(t, f)
	if err := f.Commit(tx); !boltfile.IsFull(err) || boltfile.IsUncertain(err) {
		t.Errorf("Commit: %v", err)
	}
	err := f.DB().Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte("more"), nil) })
	if err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := boltfile.Verify(t.Context(), f.Path(), nil); err != nil {
		t.Error(err)
	}
}

// failer is a test, or the process that one runs.
type failer interface{ Fatal(...any) }

type fatal struct{}

func (fatal) Fatal(args ...any) {
	fmt.Println(args...)
	os.Exit(2)
}

func openForCommit(ctx context.Context, t failer, path string) *boltfile.File {
	f, err := boltfile.Open(ctx, path, boltfile.Options{MaxSize: 1 << 20, Init: func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("b"))
		for i := 0; i < 1000 && err == nil; i++ {
			err = b.Put(fmt.Appendf(nil, "key %d", i), make([]byte, 100))
		}
		return err
	}})
	if err == nil { // from now on the file has no list of free pages
		err = f.DB().Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte("small"), nil) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// tooMuch returns a transaction that there is no room for.
func tooMuch(t failer, f *boltfile.File) *bbolt.Tx {
	tx, err := f.DB().Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Bucket([]byte("b")).Put([]byte("large"), make([]byte, 2<<20)); err != nil {
		t.Fatal(err)
	}
	return tx
}

// commitChild damages a file that is open, and has a commit fail.
func commitChild(args []string) error {
	f := openForCommit(context.Background(), fatal{}, args[0])
	tx := tooMuch(fatal{}, f)
	if err := zeroLeaves(args[0]); err != nil {
		return err
	}
	if args[1] != "ours" {
		err := tx.Commit()
		time.Sleep(5 * time.Second) // bbolt panics on a goroutine that nobody can wait for
		return err
	}
	err := f.Commit(tx)
	var damage *boltfile.DamageError
	fmt.Printf("damage %v, uncertain %v, rolled back: %v, closed: %v\n",
		errors.As(err, &damage), boltfile.IsUncertain(err), tx.Rollback(), f.CloseDirty())
	return nil
}

// zeroLeaves damages the leaves but for the one that the commit replaces: bbolt looks at that one again,
// and panics before it could fail.
func zeroLeaves(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for at := 4 * pageSize; at+pageSize <= uint64(len(content)); at += pageSize {
		page := content[at : at+pageSize]
		if isLeaf := page[8] == 2; isLeaf && !bytes.Contains(page, []byte("small")) {
			if err := zero(path, int64(at)); err != nil {
				return err
			}
		}
	}
	return nil
}

func zero(path string, off int64) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(make([]byte, pageSize), off)
	return errors.Join(err, file.Close())
}
