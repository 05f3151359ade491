package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// maxClients is how many connections a server has at a time.
const maxClients = 16

// How many clients are let in that do not take an answer: so many at once, and then one each.
const (
	idleBurst = 4 * maxClients
	idleEach  = time.Millisecond
	wasted    = 20 // as many is one that asks and leaves
	cheap     = 8  // as many are one, if they have left before they are looked at
)

// Server serves a [Backend] on a Unix socket.
type Server struct {
	socket  *socket
	clients *clients
	http    *http.Server
	log     *slog.Logger
	cancel  context.CancelCauseFunc // of all requests
	stopped chan struct{}           // closed when no more clients are taken
	close   func() error
}

// Serve serves b on a Unix socket at path, until Close. The socket has the mode 0600 from the
// moment that it is there, and on Linux the user at the other end has to be ours or root, whatever
// the mode. A socket that nobody listens on any more is replaced. One that is served is not
// (fs.ErrExist), but whoever calls Serve should make sure that there is one caller: [session.Open]
// does while it holds the lock on its file. Other errors: the path is too long for a socket, which
// takes about 100 bytes, its directory is unusable, or errors.ErrUnsupported on systems without
// Unix. A nil log is slog.Default.
//
// At most 16 clients are served at a time; further ones wait. Those that connect and ask for
// nothing have to make room for them, and none is waited for longer than a minute. Of those that do
// not take an answer a thousand are let in each second, so that they leave the processors to others.
//
// [session.Open]: https://pkg.go.dev/github.com/boltsession/session#Open
func Serve(path string, b Backend, log *slog.Logger) (*Server, error) {
	if log == nil {
		log = slog.Default()
	}
	return serve(path, b, log, &pace{burst: idleBurst, each: idleEach})
}

func serve(path string, b Backend, log *slog.Logger, p *pace) (*Server, error) {
	sock, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("serve admin socket %s: %w", path, err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s := &Server{socket: sock, clients: newClients(sock.listener, log, p), log: log, cancel: cancel, stopped: make(chan struct{})}
	s.close = sync.OnceValue(s.closeOnce)
	s.http = &http.Server{
		Handler:           noted(s.guarded(Handler(b))),
		ReadHeaderTimeout: headerTimeout,
		MaxHeaderBytes:    8 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withConn,
		ConnState:         s.clients.changed,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	s.http.SetKeepAlivesEnabled(false) // a place is for a request
	go s.run()
	return s, nil
}

// run takes clients until the listener is closed.
func (s *Server) run() {
	defer close(s.stopped)
	err := s.http.Serve(s.clients)
	if !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("session: the admin socket takes no more clients", "error", err)
	}
}

// errClosing is why requests under way end when the server is closed.
var errClosing = errors.New("the store is being closed")

// Close removes the socket, unless it is another's by now, and stops serving. Requests under way
// have half a second to end, then they are canceled and have as long again; those that still go
// on are left behind, without a connection. Later calls return what the first one did.
func (s *Server) Close() error { return s.close() }

func (s *Server) closeOnce() error {
	err := s.socket.remove()
	s.clients.Close()
	<-s.stopped
	s.clients.dismiss()
	if !s.clients.gone(closeGrace) {
		s.cancel(errClosing)
		s.clients.gone(closeGrace)
	}
	s.cancel(errClosing)
	s.http.Close()
	s.clients.gone(closeGrace)
	return err
}

// guarded bounds how long a request's body may take, and keeps a panic from ending the process or
// from being logged with what a log must not have.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if v := recover(); v != nil {
				s.panicked(v)
				respond(w, http.StatusInternalServerError, problem{Text: "the store panicked; its log says more", Code: internal})
			}
		}()
		if r.ContentLength != 0 {
			r = r.WithContext(r.Context()) // net/http goes on with its own
			body := &timedBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
			body.limit()
			r.Body = body
		}
		next.ServeHTTP(w, r)
	})
}

// noted tells a client's connection that it has sent a request, and does no work for a client that
// has left since. What changes something is done all the same: a client that is killed right after
// it has sent that can expect it.
func noted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			c.asked.Store(true)
			if r.Method == http.MethodGet && gone(c.UnixConn) {
				c.left.Store(true)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// connKey is the context key of a request's connection.
type connKey struct{}

// withConn puts it there; see http.Server.ConnContext.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// panicked logs a panic. Only the runtime's own are quoted: another's value could be anything.
func (s *Server) panicked(v any) {
	what := fmt.Sprintf("%T", v)
	if fault, ok := v.(runtime.Error); ok {
		what = fault.Error()
	}
	s.log.Error("session: panic while serving the admin socket", "panic", what, "stack", string(debug.Stack()))
}

// timedBody is a request's body that has to arrive in time, counted from when it is first asked
// for: an import may have to wait for another. Afterwards there is no limit to how long the
// request is worked on, but the connection is read all the while, to see when the client leaves.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	begun   bool
}

func (b *timedBody) limit() { b.control.SetReadDeadline(time.Now().Add(bodyTimeout)) }

func (b *timedBody) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		b.limit()
	}
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
