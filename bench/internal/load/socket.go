package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/boltsession/session/bench/internal/peer"
)

// Socket serves a peer on a loopback socket.
type Socket struct {
	server *http.Server
	client *http.Client
	url    string
	done   chan error
}

// Listen serves a handler for as many clients, each with a connection that stays open.
func Listen(h http.Handler, clients int) (*Socket, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Socket{
		server: &http.Server{Handler: h},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients, DisableCompression: true}},
		url:    "http://" + l.Addr().String(), done: make(chan error, 1),
	}
	go func() { s.done <- s.server.Serve(l) }()
	return s, nil
}

// Do sends a request with a cookie.
func (s *Socket) Do(route, cookie string) error {
	r, err := http.NewRequest(http.MethodPost, s.url+route, http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", peer.UserAgent)
	r.Header.Set("Cookie", cookie)
	resp, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", route, resp.Status, body)
	}
	return err
}

// Close closes all connections and waits for the server to end.
func (s *Socket) Close() error {
	s.client.CloseIdleConnections()
	err := s.server.Shutdown(context.Background())
	<-s.done // http.ErrServerClosed
	return err
}
