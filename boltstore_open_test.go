package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/boltsession/session/internal/boltfile"
	"github.com/boltsession/session/internal/record"
	bolt "go.etcd.io/bbolt"
)

func TestOpenRefusesOptions(t *testing.T) {
	for _, tc := range []struct {
		opts BoltOptions
		want string
	}{
		{BoltOptions{SyncEvery: -1}, "SyncEvery"},
		{BoltOptions{TouchInterval: -1}, "TouchInterval"},
		{BoltOptions{Timeout: -1}, "Timeout"},
		{BoltOptions{MaxSize: -1}, "MaxSize"},
		{BoltOptions{MaxSize: 4096}, "MaxSize"},
		{BoltOptions{MaxComponentSize: -1}, "MaxComponentSize"},
		{BoltOptions{MaxComponentSize: 16 << 20}, "MaxComponentSize"},
		{BoltOptions{MaxComponentSize: 1 << 20, MaxSize: 2 << 20}, "a sixteenth of MaxSize"},
		{BoltOptions{OnCorrupt: 2}, "OnCorrupt"},
		{BoltOptions{Keys: [][]byte{make([]byte, 32), make([]byte, 31)}}, "Keys: key 2 has 31 bytes, a key has 32"},
		{BoltOptions{Reap: "sometimes"}, "sometimes"},
		{BoltOptions{ReadOnly: true, SyncEvery: time.Second}, "SyncEvery with ReadOnly"},
		{BoltOptions{ReadOnly: true, Reap: "@hourly"}, "Reap with ReadOnly"},
		{BoltOptions{ReadOnly: true, TouchInterval: time.Second}, "TouchInterval with ReadOnly"},
		{BoltOptions{ReadOnly: true, OnCorrupt: MoveAside}, "MoveAside with ReadOnly"},
	} {
		path := filepath.Join(t.TempDir(), "sessions.db")
		_, err := Open(path, &tc.opts)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: error %v, want one that says %q", tc.opts, err, tc.want)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%+v: a file was made", tc.opts)
		}
	}
}

func TestOpenDefaults(t *testing.T) {
	b := openBolt(t, nil)
	if b.opts.TouchInterval != 30*time.Second || b.opts.MaxComponentSize != 64<<10 || b.opts.MaxSize < 1<<30 {
		t.Errorf("%+v", b.opts)
	}
	if info, err := os.Stat(b.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestOpenLocked(t *testing.T) {
	b := openBolt(t, nil)
	_, err := Open(b.path, &BoltOptions{Timeout: 20 * time.Millisecond})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), b.path) {
		t.Errorf("%v", err)
	}
}

func TestOpenOtherFiles(t *testing.T) {
	foreign := filepath.Join(t.TempDir(), "foreign.db")
	f, err := boltfile.Open(t.Context(), foreign, boltfile.Options{Init: func(tx *bolt.Tx) error {
		_, err := tx.CreateBucket([]byte("theirs"))
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for name, content := range map[string][]byte{"empty": nil, "text": []byte(strings.Repeat("text ", 5000)), "foreign": read(t, foreign)} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file.db")
			write(t, path, content)
			if _, err := Open(path, nil); !errors.Is(err, ErrFormat) {
				t.Errorf("%v", err)
			}
			if !bytes.Equal(read(t, path), content) {
				t.Error("the file was changed")
			}
		})
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOpenNewerFormat: a file that this version would misread is refused, and says why.
func TestOpenNewerFormat(t *testing.T) {
	for name, change := range map[string]func(*bolt.Bucket) error{
		"version": func(b *bolt.Bucket) error {
			body := binary.BigEndian.AppendUint32(nil, formatVersion+1)
			return b.Put(versionKey, record.Seal(nil, formatBucket, versionKey, body))
		},
		"feature": func(b *bolt.Bucket) error {
			return b.Put([]byte("requires/journal"), record.Seal(nil, formatBucket, []byte("requires/journal"), nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sessions.db")
			f, err := boltfile.Open(t.Context(), path, boltfile.Options{Init: createStore})
			if err != nil {
				t.Fatal(err)
			}
			if err := f.DB().Update(func(tx *bolt.Tx) error { return change(tx.Bucket(formatBucket)) }); err != nil {
				t.Fatal(err)
			}
			f.Close()
			_, err = Open(path, &BoltOptions{OnCorrupt: MoveAside})
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "newer program") {
				t.Errorf("%v", err)
			}
		})
	}
}

// damagedFile returns the path of a store whose file has a page that cannot be right.
func damagedFile(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "sessions.db")
	b, err := Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		create(t, b, testID(i))
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	content := read(t, path)
	for page := 4; page < 12; page++ {
		copy(content[page*4096:], bytes.Repeat([]byte{0xff}, 64))
	}
	write(t, path, content)
	return path
}

func TestOpenDamaged(t *testing.T) {
	path := damagedFile(t)
	before := read(t, path)
	_, err := Open(path, nil)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) || corrupt.Path != path || corrupt.Page == 0 {
		t.Errorf("%v", err)
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("the file was changed")
	}
}

func TestOpenMovesAside(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "sessions.db")
	write(t, empty, nil)
	for _, path := range []string{damagedFile(t), empty} {
		before := read(t, path)
		for range 2 { // the second time within the same second
			write(t, path, before)
			var log bytes.Buffer
			b, err := Open(path, &BoltOptions{OnCorrupt: MoveAside, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			create(t, b, testID(1))
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			if !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("log: %s", &log)
			}
			checkBolt(t, path)
		}
		aside, _ := filepath.Glob(path + ".corrupt-*")
		if len(aside) != 2 {
			t.Fatalf("aside: %q", aside)
		}
		for _, name := range aside {
			if !bytes.Equal(read(t, name), before) {
				t.Errorf("%s is not as it was", name)
			}
		}
	}
}

// tamper changes a closed file behind the store's back.
func tamper(t testing.TB, path string, change func(tables) error) {
	t.Helper()
	f, err := boltfile.Open(t.Context(), path, boltfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = f.DB().Update(func(tx *bolt.Tx) error {
		tab, err := openTables(tx)
		if err != nil {
			return err
		}
		return change(tab)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBoltStoreReadOnly: all reads work, all writes say why not, and the file stays as it is.
func TestBoltStoreReadOnly(t *testing.T) {
	b := openBolt(t, nil)
	s := create(t, b, testID(1))
	s.SetUser("ann")
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	before := read(t, b.path)
	ro := openBoltAt(t, b.path, &BoltOptions{ReadOnly: true})
	other := openBoltAt(t, b.path, &BoltOptions{ReadOnly: true})
	s, err := ro.Get(t.Context(), testID(1))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := other.Length(t.Context()); n != 1 || err != nil {
		t.Errorf("Length = %d, %v", n, err)
	}
	if infos, err := ro.ByUser(t.Context(), "ann"); len(infos) != 1 || err != nil {
		t.Errorf("ByUser = %v, %v", infos, err)
	}
	for _, err := range ro.All(t.Context()) {
		if err != nil {
			t.Error(err)
		}
	}
	s.Touch()
	s.Set("n", 2)
	_, clearErr := ro.Clear(t.Context())
	_, reapErr := ro.Reap(t.Context())
	_, userErr := ro.DestroyUser(t.Context(), "ann")
	for what, err := range map[string]error{
		"Save": s.Save(t.Context()), "Destroy": ro.Destroy(t.Context(), testID(1)), "Clear": clearErr,
		"Touch": ro.Touch(t.Context(), testID(1), time.Now()), "Reap": reapErr, "DestroyUser": userErr,
		"Renew": ro.Renew(t.Context(), s, testID(2)), "Compact": ro.Compact(t.Context()),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := ro.Backup(t.Context(), filepath.Join(t.TempDir(), "copy.db")); err != nil {
		t.Errorf("Backup: %v", err)
	}
	ro.Close()
	if !bytes.Equal(read(t, b.path), before) {
		t.Error("the file was changed")
	}
}
