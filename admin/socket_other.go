//go:build !unix

package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// socket is what there is none of: this system tells neither who may open a socket nor who is at
// its other end.
type socket struct{ listener *net.UnixListener }

func listen(string) (*socket, error) { return nil, errors.ErrUnsupported }

func (s *socket) remove() error { return nil }

func dial(context.Context, string) (net.Conn, error) {
	return nil, fmt.Errorf("%w: %w", ErrNoSocket, errors.ErrUnsupported)
}
