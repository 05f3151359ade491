package session_test

import (
	"testing"
	"testing/synctest"

	"github.com/boltsession/session"
	"github.com/boltsession/session/sessiontest"
)

// openMemoryStore returns a MemoryStore that reaps when it is told to only.
func openMemoryStore(*testing.T) session.Store {
	return session.NewMemoryStore(&session.MemoryOptions{ReapInterval: -1})
}

func TestMemoryStoreConformance(t *testing.T) {
	sessiontest.TestStore(t, openMemoryStore)
}

// TestMemoryStoreConformanceInBubble: with a fake clock nothing is different.
func TestMemoryStoreConformanceInBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { sessiontest.TestStore(t, openMemoryStore) })
}
