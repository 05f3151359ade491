//go:build unix

package admin

import (
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"
)

// lengthOnly is a Backend that knows its length.
type lengthOnly struct{ Backend }

func (lengthOnly) Length(context.Context) (int, error) { return 7, nil }

// TestServerPaces: who asks and takes the answer is let in as often as he comes; who does not, for
// his share of the time.
func TestServerPaces(t *testing.T) {
	dir, err := os.MkdirTemp("", "a") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	const burst = 5
	s, err := serve(dir+"/x.sock", lengthOnly{}, slog.New(slog.DiscardHandler), &pace{burst: burst, each: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	client, err := Dial(t.Context(), dir+"/x.sock")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 * burst {
		if n, err := client.Length(t.Context()); n != 7 || err != nil {
			t.Fatalf("Length = %d, %v", n, err)
		}
	}
	for range burst - 1 { // the last that was asked may not be forgiven yet
		c, err := net.Dial("unix", dir+"/x.sock")
		if err != nil {
			t.Fatal(err)
		}
		c.(*net.UnixConn).CloseWrite()
		io.Copy(io.Discard, c) // until it is hung up on
		c.Close()
	}
	s.clients.pace.wait(time.Now())
	s.clients.pace.wait(time.Now())
	if s.clients.pace.wait(time.Now()) == 0 {
		t.Error("clients that ask for nothing are let in at any pace")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestConnCounts: how much a client counts is up to whether it has asked for something, and taken it.
func TestConnCounts(t *testing.T) {
	for _, tc := range []struct {
		name        string
		asked, gone bool
		want        time.Duration
	}{
		{"asks", true, false, 0}, {"asks for nothing", false, false, 1}, {"asks and leaves", true, true, 1 + wasted},
	} {
		p := &pace{burst: 1, each: time.Hour}
		owner := &clients{pace: p, places: make(chan struct{}, 1)}
		owner.places <- struct{}{}
		now := time.Now()
		p.wait(now)
		ours, theirs := unixPair(t)
		c := &conn{UnixConn: ours, owner: owner}
		c.asked.Store(tc.asked)
		if tc.gone {
			theirs.Close()
		}
		c.Write([]byte("answer"))
		c.Close()
		c.Close()
		theirs.Close()
		if got := p.wait(now) / time.Hour; got != tc.want {
			t.Errorf("%s: counts %d, want %d", tc.name, got, tc.want)
		}
	}
}

// unixPair returns the ends of a connection.
func unixPair(t *testing.T) (ours, theirs *net.UnixConn) {
	dir, err := os.MkdirTemp("", "a")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", dir+"/x.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	from, err := net.Dial("unix", dir+"/x.sock")
	if err != nil {
		t.Fatal(err)
	}
	to, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return to.(*net.UnixConn), from.(*net.UnixConn)
}
