//go:build linux

package hostile

import (
	"bytes"
	"io"
	"net"
	"os"
	"sync"
)

// tap is a socket in the place of another one: it passes on what comes, and keeps it.
type tap struct {
	listener net.Listener
	to       string
	wg       sync.WaitGroup

	mu   sync.Mutex
	seen bytes.Buffer
}

// tapSocket moves a socket away and listens in its place.
func tapSocket(path string) (*tap, error) {
	p := &tap{to: path + ".tapped"}
	if err := os.Rename(path, p.to); err != nil {
		return nil, err
	}
	var err error
	if p.listener, err = net.Listen("unix", path); err != nil {
		return nil, err
	}
	p.wg.Go(p.run)
	return p, nil
}

// Write keeps what was passed on.
func (p *tap) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.Write(b)
}

// run passes on until the listener is closed.
func (p *tap) run() {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		on, err := net.Dial("unix", p.to)
		if err != nil {
			from.Close()
			continue
		}
		p.wg.Go(func() { io.Copy(io.MultiWriter(on, p), from) })
		p.wg.Go(func() {
			defer from.Close()
			defer on.Close()
			io.Copy(io.MultiWriter(from, p), on)
		})
	}
}

// close stops listening and waits for what is under way. The socket's file goes.
func (p *tap) close() {
	p.listener.Close()
	p.wg.Wait()
	os.Remove(p.to)
}
