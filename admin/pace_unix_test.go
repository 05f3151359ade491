//go:build unix

package admin

import (
	"context"
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
	for range burst - 1 { // what was asked last may not be forgiven yet
		conn, err := net.Dial("unix", dir+"/x.sock")
		if err != nil {
			t.Fatal(err)
		}
		conn.(*net.UnixConn).CloseWrite()
		conn.Read(make([]byte, 1)) // until it hangs up
		conn.Close()
	}
	for range 2 {
		s.clients.pace.wait(time.Now())
	}
	if s.clients.pace.wait(time.Now()) == 0 {
		t.Error("clients that ask for nothing are let in at any pace")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
