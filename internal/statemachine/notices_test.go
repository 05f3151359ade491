package statemachine

import (
	"slices"
	"sync"
	"time"

	"github.com/boltsession/session"
)

// notices are what a store told of ended sessions; the reaper does so on a goroutine of its own.
type notices struct {
	mu   sync.Mutex
	list []ending
}

func (n *notices) add(id session.ID, reason session.Reason) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, ending{id, reason})
}

// take returns what came since the last call.
func (n *notices) take() []ending {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := n.list
	n.list = nil
	return list
}

// checkTold compares of which ended sessions the store told.
func (w *world) checkTold() {
	w.Helper()
	w.model.settle()
	want := w.model.told
	w.model.told = nil
	for _, e := range w.told.take() {
		if i := slices.Index(want, e); i >= 0 {
			want = slices.Delete(want, i, i+1)
			continue
		}
		if !w.reaps || e.reason != session.Expired || !w.model.last(e.id).expired(time.Now()) {
			w.Fatalf("told that %s was %s", w.name(e.id), e.reason)
		}
		w.model.drop(e.id)
		w.model.endLive(e.id)
	}
	for _, e := range want {
		w.Fatalf("not told that %s was %s", w.name(e.id), e.reason)
	}
}
