package session

import (
	"errors"
	"testing"
	"time"

	"github.com/boltsession/session/admin"
)

// serve lets sessctl ask the open store, which holds the lock on its file: there is one at most
// that serves the socket. The store works without it, so that nothing here keeps it from opening.
func (b *BoltStore) serve() {
	if b.opts.NoSocket || inBubble() {
		return
	}
	socket, err := admin.Serve(b.path+".sock", NewAdminBackend(b), b.log)
	switch {
	case err == nil:
		b.socket = socket
	case errors.Is(err, errors.ErrUnsupported):
		b.log.Debug("session: no admin socket on this system, sessctl sees the store when it is closed")
	default:
		b.log.Warn("session: no admin socket, sessctl sees the store when it is closed; BoltOptions.NoSocket silences this", "error", err)
	}
}

// inBubble says whether this is a testing/synctest bubble: its clock starts at the year 2000, as its
// documentation says. It stands still while somebody waits for clients, and the test would hang.
func inBubble() bool { return testing.Testing() && time.Now().Year() == 2000 }

// unserve ends that. What sessctl asked for last has a second to end.
func (b *BoltStore) unserve() {
	if b.socket == nil {
		return
	}
	if err := b.socket.Close(); err != nil {
		b.log.Warn("session: the admin socket is left behind", "error", err)
	}
}
