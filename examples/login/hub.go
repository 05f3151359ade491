package main

import "sync"

// hub wakes the streams of a user whose carts or devices changed.
type hub struct {
	closed chan struct{}

	mu      sync.Mutex
	streams map[string]map[chan struct{}]bool // by user
}

func newHub() *hub {
	return &hub{closed: make(chan struct{}), streams: make(map[string]map[chan struct{}]bool)}
}

// join returns a channel that gets a value when something changed since the last one was taken.
func (h *hub) join(user string) (changed <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[user] == nil {
		h.streams[user] = make(map[chan struct{}]bool)
	}
	h.streams[user][c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.streams[user], c)
		if len(h.streams[user]) == 0 {
			delete(h.streams, user)
		}
	}
}

// tell wakes the streams of a user. It never waits for them.
func (h *hub) tell(user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.streams[user] {
		select {
		case c <- struct{}{}:
		default: // it has not looked since the last time
		}
	}
}

// close ends all streams, so that the server can shut down.
func (h *hub) close() { close(h.closed) }
