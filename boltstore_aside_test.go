package session

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
)

// TestMoveAsideTogether: of many that open a damaged file at once, one moves it aside, and nobody
// moves a store aside that another one has started meanwhile, with what it stored.
func TestMoveAsideTogether(t *testing.T) {
	damaged := read(t, damagedFile(t))
	for range 5 {
		path := filepath.Join(t.TempDir(), "sessions.db")
		write(t, path, damaged)
		var starters sync.WaitGroup
		for i := range 8 {
			starters.Go(func() {
				b, err := Open(path, &BoltOptions{
					OnCorrupt: MoveAside, Timeout: time.Minute, Reap: Never, NoSocket: true, Logger: slog.New(slog.DiscardHandler),
				})
				if err != nil {
					t.Errorf("Open = %v", err)
					return
				}
				s := NewSession(b, testID(i), newMeta(time.Now(), time.Hour, time.Hour))
				s.Set("n", i)
				if err := errors.Join(b.Save(t.Context(), s), b.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		starters.Wait()
		if aside, _ := filepath.Glob(path + ".corrupt-*"); len(aside) != 1 {
			t.Errorf("aside: %q", aside)
		}
		b := openBoltAt(t, path, nil)
		if n, err := b.Length(t.Context()); n != 8 || err != nil {
			t.Errorf("%d of 8 saved sessions are there, %v", n, err)
		}
	}
}

// TestMoveAsideIsLocked: the file is locked until it has its new name.
func TestMoveAsideIsLocked(t *testing.T) {
	path := damagedFile(t)
	var corrupt *CorruptError
	b := &BoltStore{path: path, opts: BoltOptions{Timeout: time.Second}, log: slog.New(slog.DiscardHandler)}
	told := 0
	_, err := b.openFile(boltfile.Open, func(why error) {
		told++
		if _, err := Open(path, &BoltOptions{Timeout: time.Millisecond}); !errors.Is(err, ErrLocked) {
			t.Errorf("another Open = %v, want ErrLocked", err)
		}
	})
	if !errors.As(err, &corrupt) || told != 1 {
		t.Errorf("%v, told %d times", err, told)
	}
}

// TestMoverFinishes: a file that could not be moved while it was open is moved once it is closed,
// unless another one has its place.
func TestMoverFinishes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	write(t, path, []byte("damaged"))
	m := mover{path: path}
	m.move(time.Now())
	if err := os.Rename(m.aside, path); err != nil {
		t.Fatal(err)
	}
	m.err = os.ErrPermission
	if err := m.finish(); err != nil || string(read(t, m.aside)) != "damaged" {
		t.Errorf("finish = %v", err)
	}
	write(t, path, []byte("another"))
	if err := m.finish(); !errors.Is(err, ErrReplaced) || string(read(t, path)) != "another" {
		t.Errorf("finish over another file = %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := m.finish(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("finish over no file = %v", err)
	}
}
