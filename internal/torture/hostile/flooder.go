//go:build linux

package hostile

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// flooders are the kinds of hostile clients: how many at a time, and what each does with a
// connection until it gives up or is hung up on.
var flooders = map[string]struct {
	clients int
	attack  func(net.Conn)
}{
	"half-open":         {1000, func(c net.Conn) { io.WriteString(c, "GET /v1/stats HTTP/1.1\r\nHost: x\r\nX-A: "); waitFor(c) }},
	"silent":            {500, waitFor},
	"long lines":        {16, func(c net.Conn) { c.Write(bytes.Repeat([]byte("A"), 1<<20)); waitFor(c) }},
	"long header":       {8, longHeader},
	"slow readers":      {100, slowReader},
	"half a body":       {100, func(c net.Conn) { io.WriteString(c, importHead+`{"replace":true,"sessions":[`); waitFor(c) }},
	"garbage":           {16, garbage},
	"connect and close": {8, func(net.Conn) {}},
	"reset":             {8, func(c net.Conn) { io.WriteString(c, "GET /v1/sessions HTTP/1.1\r\nHost: x\r\n\r\n") }},
}

const importHead = "POST /v1/import HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000000\r\n\r\n"

// floodKinds are their names, in order.
func floodKinds() []string { return sortedKeys(flooders) }

// playFlooder is the role of all hostile clients of some kind. It is nice: what its own work takes
// of the processors is not what is measured.
func playFlooder(args []string) error {
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 19); err != nil {
		return err
	}
	kinds := []string{args[0]}
	if _, ok := flooders[args[0]]; !ok {
		kinds = floodKinds()
	}
	f := &flooder{path: args[1], over: make(chan struct{})}
	for _, kind := range kinds {
		for range flooders[kind].clients {
			f.wg.Go(func() { f.run(flooders[kind].attack) })
		}
	}
	for start := time.Now(); f.connected.Load() < 500 && time.Since(start) < time.Second/4; { // what connects at once has
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	f.end()
	_, err := fmt.Println(f.connected.Load())
	return err
}

// flooder is its connections.
type flooder struct {
	path      string
	connected atomic.Int64
	over      chan struct{}
	wg        sync.WaitGroup

	mu   sync.Mutex
	open []net.Conn
}

// run attacks again and again.
func (f *flooder) run(attack func(net.Conn)) {
	for {
		select {
		case <-f.over:
			return
		default:
		}
		conn, err := net.Dial("unix", f.path)
		if err != nil { // too many wait already
			time.Sleep(10 * time.Millisecond)
			continue
		}
		f.connected.Add(1)
		if f.add(conn) {
			attack(conn)
		}
		f.remove(conn)
	}
}

// add notes an open connection; false when it is over.
func (f *flooder) add(conn net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.over:
		return false
	default:
		f.open = append(f.open, conn)
		return true
	}
}

func (f *flooder) remove(conn net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	conn.Close()
	if i := slices.Index(f.open, conn); i >= 0 {
		f.open = slices.Delete(f.open, i, i+1)
	}
}

// end lets go of all connections.
func (f *flooder) end() {
	f.mu.Lock()
	close(f.over)
	for _, conn := range f.open {
		conn.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

// waitFor waits until the other end hangs up.
func waitFor(c net.Conn) { io.Copy(io.Discard, c) }

func longHeader(c net.Conn) {
	io.WriteString(c, "GET /v1/stats HTTP/1.1\r\nHost: x\r\n")
	for i := 0; ; i++ {
		if _, err := fmt.Fprintf(c, "X-%d: %s\r\n", i, bytes.Repeat([]byte("a"), 1000)); err != nil {
			return
		}
	}
}

func slowReader(c net.Conn) {
	io.WriteString(c, "GET /v1/sessions HTTP/1.1\r\nHost: x\r\n\r\n")
	var one [1]byte
	for {
		if _, err := c.Read(one[:]); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func garbage(c net.Conn) {
	b := make([]byte, 1<<12)
	rand.Read(b)
	c.Write(b)
	waitFor(c)
}
