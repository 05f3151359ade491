package work

import "sync"

// gate keeps requests in their handlers while it is shut.
type gate struct {
	mu      sync.Mutex
	open    chan struct{}
	arrived chan<- struct{} // gets an item for each that waits; has room for all
}

func newGate() *gate {
	g := &gate{open: make(chan struct{})}
	close(g.open)
	return g
}

// shut has those who come wait, until the function that it returns is called.
func (g *gate) shut(arrived chan<- struct{}) (release func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	open := make(chan struct{})
	g.open, g.arrived = open, arrived
	return func() { close(open) }
}

func (g *gate) wait() {
	g.mu.Lock()
	open, arrived := g.open, g.arrived
	g.mu.Unlock()
	if arrived != nil {
		arrived <- struct{}{}
	}
	<-open
}
