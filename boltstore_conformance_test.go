package session_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/boltsession/session"
	"github.com/boltsession/session/sessiontest"
)

// TestBoltStoreConforms runs the rules of every store against BoltStore, both ways it saves.
func TestBoltStoreConforms(t *testing.T) {
	for name, every := range map[string]time.Duration{"durable": 0, "SyncEvery": time.Hour} {
		t.Run(name, func(t *testing.T) {
			sessiontest.TestStore(t, func(t *testing.T) session.Store {
				return openBolt(t, filepath.Join(t.TempDir(), "sessions.db"), &session.BoltOptions{
					Reap: session.Never, SyncEvery: every, NoSocket: true,
				})
			})
		})
	}
}

// TestBoltStoreConformsEncrypted is the same with values that are encrypted.
func TestBoltStoreConformsEncrypted(t *testing.T) {
	for name, every := range map[string]time.Duration{"durable": 0, "SyncEvery": time.Hour} {
		t.Run(name, func(t *testing.T) {
			opts := session.BoltOptions{Reap: session.Never, SyncEvery: every, Keys: [][]byte{
				bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32),
			}}
			sessiontest.TestStore(t, func(t *testing.T) session.Store {
				return openBolt(t, filepath.Join(t.TempDir(), "sessions.db"), &opts)
			})
			sessiontest.TestReopen(t, func(t *testing.T, dir string) session.Store {
				return openBolt(t, filepath.Join(dir, "sessions.db"), &opts)
			})
		})
	}
}

// TestBoltStoreConformsInBubble lets time pass for it, too.
func TestBoltStoreConformsInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessiontest.TestStore(t, func(t *testing.T) session.Store {
			return openBolt(t, filepath.Join(t.TempDir(), "sessions.db"), &session.BoltOptions{Reap: session.Never, NoSocket: true})
		})
	})
}

func openBolt(t *testing.T, path string, opts *session.BoltOptions) *session.BoltStore {
	t.Helper()
	store, err := session.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// TestBoltStoreReopens: what a store accepted is in its file when it is closed.
func TestBoltStoreReopens(t *testing.T) {
	for name, every := range map[string]time.Duration{"durable": 0, "SyncEvery": time.Hour} {
		t.Run(name, func(t *testing.T) {
			sessiontest.TestReopen(t, func(t *testing.T, dir string) session.Store {
				return openBolt(t, filepath.Join(dir, "sessions.db"), &session.BoltOptions{
					Reap: session.Never, SyncEvery: every, NoSocket: true,
				})
			})
		})
	}
}
