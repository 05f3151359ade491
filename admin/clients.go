package admin

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// clients is a listener that lets a few clients in at a time, and no other users.
type clients struct {
	listener *net.UnixListener
	log      *slog.Logger
	refused  sync.Once // the first other user is logged
	pace     *pace
	places   chan struct{} // holds an item for each client
	closed   chan struct{}
	once     sync.Once

	mu     sync.Mutex
	silent []*conn // clients that have not sent a request yet, in the order they came
}

func newClients(l *net.UnixListener, log *slog.Logger, p *pace) *clients {
	return &clients{listener: l, log: log, pace: p, places: make(chan struct{}, maxClients), closed: make(chan struct{})}
}

// Accept returns the next client once there is a place for it.
func (c *clients) Accept() (net.Conn, error) {
	for {
		if !c.inTime() {
			return nil, net.ErrClosed
		}
		raw, err := c.listener.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if err := checkPeer(raw); err != nil {
			c.refuse(raw, err)
			continue
		}
		if gone(raw) { // before it is worth a place
			raw.Close()
			c.pace.charge(c.pace.each/cheap - c.pace.each)
			continue
		}
		if !c.take() {
			raw.Close()
			return nil, net.ErrClosed
		}
		return &conn{UnixConn: raw, owner: c, since: time.Now()}, nil
	}
}

// inTime waits until the next client may come. It says false when the listener is closed.
func (c *clients) inTime() bool {
	for {
		wait := c.pace.wait(time.Now())
		if wait == 0 {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.closed:
			timer.Stop()
			return false
		}
	}
}

// refuse turns down a client of another user.
func (c *clients) refuse(raw *net.UnixConn, err error) {
	raw.Close()
	c.refused.Do(func() { c.log.Warn("session: refused a client of the admin socket", "error", err) })
}

// take takes a place, or waits for one: those who were let in and ask for nothing have to go, one
// at a time. It says false when the listener is closed.
func (c *clients) take() bool {
	for {
		select {
		case c.places <- struct{}{}:
			return true
		default:
		}
		timer := time.NewTimer(c.makeRoom())
		select {
		case c.places <- struct{}{}:
			timer.Stop()
			return true
		case <-c.closed:
			timer.Stop()
			return false
		case <-timer.C:
		}
	}
}

// silence is how long a client has for its request when others wait for its place.
const silence = 25 * time.Millisecond

// makeRoom hangs up on the client that has been silent for longest, if that is long enough, and
// returns when to look again.
func (c *clients) makeRoom() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.silent) == 0 {
		return time.Hour // a place comes free, or none does
	}
	if left := silence - time.Since(c.silent[0].since); left > 0 {
		return left
	}
	c.silent[0].hangUp()
	c.silent = c.silent[1:]
	return silence
}

// changed notes who has sent a request, or left; see http.Server.ConnState.
func (c *clients) changed(who net.Conn, state http.ConnState) {
	client, ok := who.(*conn)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.silent = append(c.silent, client)
	} else if i := slices.Index(c.silent, client); i >= 0 {
		c.silent = slices.Delete(c.silent, i, i+1)
	}
}

// dismiss hangs up on those who have not sent a request.
func (c *clients) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, client := range c.silent {
		client.hangUp()
	}
	c.silent = nil
}

// gone waits until all clients have left, at most for d. The listener must be closed.
func (c *clients) gone(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for taken := range maxClients {
		select {
		case c.places <- struct{}{}:
		case <-timer.C:
			for range taken {
				<-c.places
			}
			return false
		}
	}
	for range maxClients {
		<-c.places
	}
	return true
}

// Close closes the listener. Clients that were let in stay.
func (c *clients) Close() (err error) {
	c.once.Do(func() {
		close(c.closed)
		err = c.listener.Close()
	})
	return err
}

// Addr returns the address of the listener.
func (c *clients) Addr() net.Addr { return c.listener.Addr() }

// conn is the connection of a client that has a place.
type conn struct {
	*net.UnixConn
	owner *clients
	since time.Time
	asked atomic.Bool // it has sent a request
	left  atomic.Bool // and not taken the answer
	once  sync.Once
}

// Write gives the client a while to read on.
func (c *conn) Write(p []byte) (n int, err error) {
	if err = c.SetWriteDeadline(time.Now().Add(writeTimeout)); err == nil {
		n, err = c.UnixConn.Write(p)
	}
	if err != nil {
		c.left.Store(true)
	}
	return n, err
}

// hangUp ends the connection; whoever serves it gives back the place.
func (c *conn) hangUp() { c.UnixConn.Close() }

// Close ends the connection and gives back its place.
func (c *conn) Close() error {
	err := c.UnixConn.Close()
	c.once.Do(func() {
		switch p := c.owner.pace; {
		case !c.asked.Load():
		case c.left.Load():
			p.charge(wasted * p.each)
		default:
			p.charge(-p.each)
		}
		<-c.owner.places
	})
	return err
}

// checkUsers returns ErrOtherUser unless a client of one user may talk to a server of another.
// Root may, as it may read the file as well. A server that is root's serves only root: a client
// that is not would not be let in.
func checkUsers(client, server int) error {
	if client == server || client == 0 {
		return nil
	}
	return fmt.Errorf("%w: it is user %d's, the client is user %d's", ErrOtherUser, server, client)
}
