package session

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lost are options of stores that have not got the key that values are under.
var lost = map[string]*BoltOptions{
	"no key": {}, "wrong key": keyed(9), "no key, SyncEvery": {SyncEvery: time.Hour},
}

// TestEncryptedLostKeyReads: what needs values says so, and nothing is ended because of it.
func TestEncryptedLostKeyReads(t *testing.T) {
	for name, opts := range lost {
		t.Run(name, func(t *testing.T) {
			path := filledFile(t, keyed(1), 5)
			var log bytes.Buffer
			opts := *opts
			opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
			b := openBoltAt(t, path, &opts)
			b.OnDestroy(func(id ID, r Reason) { t.Errorf("session %s ended: %v", id.Short(), r) })
			for range 2 {
				if _, err := b.Get(t.Context(), testID(0)); !errors.Is(err, ErrEncrypted) {
					t.Errorf("Get: %v", err)
				}
			}
			if _, err := b.Create(t.Context(), testID(0)); !errors.Is(err, ErrExists) {
				t.Errorf("Create: %v", err)
			}
			s := LoadSession(b, testID(0), newMeta(time.Now(), time.Hour, time.Hour), nil)
			if err := b.Renew(t.Context(), s, testID(9)); !errors.Is(err, ErrEncrypted) {
				t.Errorf("Renew: %v", err)
			}
			ch := Changes{ID: testID(0), Components: map[string]ComponentChanges{"": {Removed: []string{"n"}}}}
			if err := b.commit(t.Context(), ch); !errors.Is(err, ErrEncrypted) {
				t.Errorf("save: %v", err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			if warned := strings.Contains(log.String(), "opened without Keys"); warned != (len(opts.Keys) == 0) {
				t.Errorf("log: %s", &log)
			}
			checkSecrets(t, openBoltAt(t, path, keyed(1)), 0, 5)
		})
	}
}

// TestEncryptedLostKeyWorks: what needs no values works.
func TestEncryptedLostKeyWorks(t *testing.T) {
	for name, opts := range lost {
		t.Run(name, func(t *testing.T) {
			path := filledFile(t, keyed(1), 5)
			tamper(t, path, func(tab tables) error { return expire(tab, testID(4)) })
			b := openBoltAt(t, path, opts)
			ctx := t.Context()
			for info, err := range b.All(ctx) {
				if err != nil || !maps.Equal(info.Components, map[string]int{"": -1, "cart": -1}) {
					t.Errorf("%v, %v", info, err)
				}
			}
			if n, err := b.Reap(ctx); n != 1 || err != nil {
				t.Errorf("Reap = %d, %v", n, err)
			}
			if n, err := b.Length(ctx); n != 4 || err != nil {
				t.Errorf("Length = %d, %v", n, err)
			}
			at := time.Now().Add(time.Minute)
			touched := &Meta{LastAccess: at, MaxAge: time.Hour, User: "bob"}
			if err := errors.Join(b.commit(ctx, Changes{ID: testID(3), Meta: touched}), b.Destroy(ctx, testID(0)), b.Compact(ctx)); err != nil {
				t.Errorf("save of metadata, Destroy, Compact: %v", err)
			}
			copied := filepath.Join(t.TempDir(), "copy.db")
			if err := b.Backup(ctx, copied); err != nil {
				t.Errorf("Backup: %v", err)
			}
			checkSecrets(t, openBoltAt(t, copied, keyed(1)), 1, 3)
			if infos, err := b.ByUser(ctx, "bob"); len(infos) != 1 || !infos[0].LastAccess.Equal(at) || err != nil {
				t.Errorf("ByUser = %v, %v", infos, err)
			}
			if n, err := b.DestroyUser(ctx, "ann"); n != 2 || err != nil {
				t.Errorf("DestroyUser = %d, %v", n, err)
			}
			if n, err := b.Clear(ctx); n != 1 || err != nil {
				t.Errorf("Clear = %d, %v", n, err)
			}
		})
	}
}

// expire has a session be long past its deadline.
func expire(tab tables, id ID) error {
	m, err := tab.find(id)
	if err != nil {
		return err
	}
	past := time.Now().Add(-48 * time.Hour)
	if err := tab.expiry.Delete(expiryKey(m.filed, id)); err != nil {
		return err
	}
	m.End, m.filed = past, nanos(past)
	if err := tab.expiry.Put(expiryKey(m.filed, id), []byte{}); err != nil {
		return err
	}
	return tab.global.Put(metaKey(id), m.seal(nil, id))
}

// TestEncryptedNeverInClear: a store without its keys stores no values, whatever it has accepted.
func TestEncryptedNeverInClear(t *testing.T) {
	for _, every := range []time.Duration{0, time.Hour} {
		path := filledFile(t, keyed(1), 1)
		b := openBoltAt(t, path, &BoltOptions{SyncEvery: every})
		s, err := b.Create(t.Context(), testID(1))
		if err != nil {
			t.Fatal(err)
		}
		s.Set("secret", secret)
		if err := s.Save(t.Context()); !errors.Is(err, ErrEncrypted) {
			t.Errorf("%v", err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(read(t, path), []byte(secret)) {
			t.Error("a value is in the file")
		}
		wrong := openBoltAt(t, path, keyed(9)) // another key is a key
		fillStore(t, wrong, 1, 1)
	}
}
