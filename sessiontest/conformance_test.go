package sessiontest_test

import (
	"testing"

	"github.com/boltsession/session"
	"github.com/boltsession/session/sessiontest"
)

func TestConformance(t *testing.T) {
	sessiontest.TestStore(t, func(*testing.T) session.Store { return newMapStore() })
}
