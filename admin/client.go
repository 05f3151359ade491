package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Why [Dial] or a call of a [Client] got nowhere.
var (
	ErrNoSocket  = errors.New("no admin socket")
	ErrStale     = errors.New("nobody listens on the admin socket any more")
	ErrOtherUser = errors.New("the store belongs to another user")
	ErrNoAnswer  = errors.New("no answer from the process that has the store open")
)

// Client is a [Backend] that asks the process that serves a socket. It is safe for concurrent use.
//
// Calls end when their ctx does. Those that take no time by nature also give up after a minute
// without an answer, with ErrNoAnswer; Clear, Reap, Backup, Compact and Import take what they
// take. What a call asked for may still happen after it gave up. A session of more than 64 MiB,
// encoded as JSON, does not go through.
type Client struct {
	path      string
	transport *http.Transport
	closed    atomic.Bool
}

var _ Backend = (*Client)(nil)

// Dial returns a client of whoever serves the socket at path, and makes sure that it answers. Its
// errors: ErrNoSocket when there is none; ErrStale when the process that served it is gone;
// ErrOtherUser when it is not ours (on Linux the user at the other end is checked too, so that
// nobody can pose as the store); ErrNoAnswer when it does not answer within a few seconds, as a
// stopped process does; ctx's.
func Dial(ctx context.Context, path string) (*Client, error) {
	c := &Client{path: path}
	c.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, path) },
		// A connection for each call: none is idle in one of the server's few places, and none is
		// used that the server is just closing.
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	var hello helloAnswer
	if err := c.get(ctx, helloTimeout, pathHello, nil, &hello); err != nil {
		return nil, fmt.Errorf("dial %s: %w", path, err)
	}
	return c, nil
}

// Close frees what the client holds. Calls under way go on; later ones fail.
func (c *Client) Close() error {
	c.closed.Store(true)
	c.transport.CloseIdleConnections()
	return nil
}

// get asks for something and decodes the answer into out.
func (c *Client) get(ctx context.Context, within time.Duration, path string, q url.Values, out any) error {
	return c.call(ctx, within, path, q, nil, out)
}

// call sends a request, a POST if body is not nil, and decodes the answer into out. within 0 has
// no limit but ctx.
func (c *Client) call(ctx context.Context, within time.Duration, path string, q url.Values, body []byte, out any) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if within > 0 {
		limited, cancel = context.WithTimeoutCause(ctx, within, fmt.Errorf("%w within %v", ErrNoAnswer, within))
	}
	defer cancel()
	answer, err := c.send(limited, path, q, body)
	if err != nil {
		return c.failure(limited, err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxImport+1))
	switch {
	case err != nil:
		return c.failure(limited, err)
	case len(text) > maxImport:
		return fmt.Errorf("the answer has more than %d bytes", maxImport)
	case answer.StatusCode != http.StatusOK:
		return problemIn(text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return errBadAnswer
	}
	return nil
}

// errBadAnswer: it repeats nothing of the answer, which may hold values.
var errBadAnswer = errors.New("the other end's answer cannot be read: is it of another version?")

// problemIn returns the error that an answer tells of.
func problemIn(text []byte) error {
	var p problem
	if err := json.Unmarshal(text, &p); err != nil || p.Code == "" {
		return errBadAnswer
	}
	return p.err()
}

// send sends a request and returns the answer's beginning.
func (c *Client) send(ctx context.Context, path string, q url.Values, body []byte) (*http.Response, error) {
	if c.closed.Load() {
		return nil, fs.ErrClosed
	}
	method := http.MethodGet
	var content io.Reader
	if body != nil {
		method, content = http.MethodPost, bytes.NewReader(body)
	}
	u := url.URL{Scheme: "http", Host: "store", Path: path, RawQuery: q.Encode()}
	r, err := http.NewRequestWithContext(ctx, method, u.String(), content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return c.transport.RoundTrip(r)
}

// failure returns why there is no answer: the caller's ctx, our patience, or the other end.
func (c *Client) failure(ctx context.Context, err error) error {
	if given := gaveUp(ctx); given != nil {
		return given
	}
	for _, known := range []error{ErrNoSocket, ErrStale, ErrOtherUser, ErrNoAnswer, fs.ErrClosed} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: it closed the connection; it may be ending, or have too many clients", ErrNoAnswer)
}

// gaveUp returns why a call's ctx is done: our own patience, or the caller's wish; nil if it is not.
func gaveUp(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrNoAnswer) {
		return cause
	}
	return ctx.Err()
}
