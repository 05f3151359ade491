//go:build unix

package admin_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/boltsession/session/admin"
)

var quiet = slog.New(slog.DiscardHandler)

// shortDir returns a directory whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "a")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// serve serves b and returns a client and the path of the socket.
func serve(t *testing.T, b admin.Backend) (*admin.Client, string) {
	t.Helper()
	path := shortDir(t) + "/x.sock"
	server, err := admin.Serve(path, b, quiet)
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	client, err := admin.Dial(t.Context(), path)
	must(t, err)
	t.Cleanup(func() { must(t, client.Close()) })
	return client, path
}

// calls are all calls of a backend that can fail, each of which returns what it counts or -1.
var calls = map[string]func(context.Context, admin.Backend) (int, error){
	"Stats":  func(ctx context.Context, b admin.Backend) (int, error) { _, err := b.Stats(ctx); return -1, err },
	"Length": func(ctx context.Context, b admin.Backend) (int, error) { _, err := b.Length(ctx); return -1, err },
	"List": func(ctx context.Context, b admin.Backend) (int, error) {
		for _, err := range b.List(ctx, admin.Filter{}) {
			if err != nil {
				return -1, err
			}
		}
		return -1, nil
	},
	"Get": func(ctx context.Context, b admin.Backend) (int, error) {
		_, err := b.Get(ctx, strings.Repeat("a", 64))
		return -1, err
	},
	"Find":        func(ctx context.Context, b admin.Backend) (int, error) { _, err := b.Find(ctx, "a", 1); return -1, err },
	"Destroy":     func(ctx context.Context, b admin.Backend) (int, error) { return b.Destroy(ctx, "a") },
	"DestroyUser": func(ctx context.Context, b admin.Backend) (int, error) { return b.DestroyUser(ctx, "a") },
	"Clear":       func(ctx context.Context, b admin.Backend) (int, error) { return b.Clear(ctx) },
	"Reap":        func(ctx context.Context, b admin.Backend) (int, error) { return b.Reap(ctx) },
	"Backup":      func(ctx context.Context, b admin.Backend) (int, error) { return -1, b.Backup(ctx, "/x") },
	"Compact":     func(ctx context.Context, b admin.Backend) (int, error) { _, err := b.Compact(ctx); return -1, err },
	"Import":      func(ctx context.Context, b admin.Backend) (int, error) { return b.Import(ctx, true, admin.Session{}) },
}

// TestErrorsCross: callers at the other end test for the same errors and read the same words, and
// learn what was done before the error.
func TestErrorsCross(t *testing.T) {
	for _, want := range []error{
		admin.ErrNotFound, admin.ErrInvalid, errors.ErrUnsupported, fs.ErrExist, fs.ErrNotExist, fs.ErrPermission,
		context.Canceled, context.DeadlineExceeded, errors.New("no room on the disk"),
	} {
		b := &fake{n: 5, err: fmt.Errorf("clear store: %w", want)}
		client, _ := serve(t, b)
		for name, call := range calls {
			n, err := call(t.Context(), client)
			if err == nil || err.Error() != b.err.Error() {
				t.Errorf("%s: error %v, want %v", name, err, b.err)
			}
			if known := len(want.Error()) != len("no room on the disk") || want.Error() != "no room on the disk"; known && !errors.Is(err, want) {
				t.Errorf("%s: error %#v is no %v", name, err, want)
			}
			if n != 5 && n != -1 {
				t.Errorf("%s: counted %d", name, n)
			}
		}
	}
}

// TestListErrorAfterSessions: what was listed before it arrives.
func TestListErrorAfterSessions(t *testing.T) {
	b := &fake{err: errors.New("disk fell off"), sessions: []admin.Session{{ID: "1"}, {ID: "2"}}}
	client, _ := serve(t, b)
	var got []string
	for s, err := range client.List(t.Context(), admin.Filter{User: "ann"}) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, s.ID)
	}
	if fmt.Sprint(got) != "[1 2 disk fell off]" || b.last() != "List {User:ann Component: Older:0s}" {
		t.Errorf("got %q", got)
	}
}

// TestPanicsAreAnswered: a panic of the store's is logged without its value, and an error.
func TestPanicsAreAnswered(t *testing.T) {
	for _, sessions := range [][]admin.Session{nil, {{ID: "1"}}} {
		var log strings.Builder
		b := &fake{sessions: sessions, wait: func(context.Context) { panic("top-secret") }}
		path := shortDir(t) + "/x.sock"
		server, err := admin.Serve(path, b, slog.New(slog.NewTextHandler(&log, nil)))
		must(t, err)
		client, err := admin.Dial(t.Context(), path)
		must(t, err)
		for name, call := range calls {
			if _, err := call(t.Context(), client); err == nil || !strings.Contains(err.Error(), "panicked") {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, server.Close())
		if strings.Contains(log.String(), "secret") || strings.Count(log.String(), "panic=string") != len(calls) {
			t.Errorf("logged %s", &log)
		}
	}
}

// TestContextEndsCall: a caller that gives up gets its own error at once, and the store hears of it.
func TestContextEndsCall(t *testing.T) {
	for name, call := range calls {
		ctx, cancel := context.WithCancel(t.Context())
		heard := make(chan struct{}, 1)
		client, _ := serve(t, &fake{wait: func(asked context.Context) {
			cancel()
			<-asked.Done()
			heard <- struct{}{}
		}})
		if _, err := call(ctx, client); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		<-heard
	}
}

func TestClosedClient(t *testing.T) {
	client, _ := serve(t, &fake{})
	must(t, client.Close())
	for name, call := range calls {
		if _, err := call(t.Context(), client); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDialErrors(t *testing.T) {
	dir := shortDir(t)
	must(t, os.WriteFile(dir+"/file", nil, 0o600))
	silent, err := net.Listen("unix", dir+"/silent")
	must(t, err)
	defer silent.Close()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		ctx  context.Context
		path string
		want error
	}{
		{t.Context(), dir + "/none", admin.ErrNoSocket},
		{t.Context(), dir + "/none/none", admin.ErrNoSocket},
		{t.Context(), dir + "/file/none", admin.ErrNoSocket},
		{t.Context(), dir + "/" + strings.Repeat("x", 200), admin.ErrNoSocket},
		{t.Context(), dir + "/file", admin.ErrStale},
		{canceled, dir + "/silent", context.Canceled},
	} {
		if c, err := admin.Dial(tc.ctx, tc.path); !errors.Is(err, tc.want) || c != nil {
			t.Errorf("%s: %v, want %v", tc.path, err, tc.want)
		}
	}
}

// TestOddServers: a client does not trust what answers it further than it has to.
func TestOddServers(t *testing.T) {
	for name, tc := range map[string]struct {
		answer string
		want   string
	}{
		"hangs up":      {"", "no answer"},
		"no HTTP":       {"hello\n", "no answer"},
		"no JSON":       {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\ntop-secret", "cannot be read"},
		"error page":    {"HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\ntop-secret", "cannot be read"},
		"redirection":   {"HTTP/1.1 302 Go\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "cannot be read"},
		"cut off":       {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "no answer"},
		"cut off list":  {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"session\":{\"id\":\"\"}}", "cut off"},
		"unknown line":  {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "cannot be read"},
		"unknown error": {"HTTP/1.1 500 Oh\r\nContent-Length: 15\r\n\r\n{\"code\":\"later\"}", "cannot be read"},
	} {
		path := shortDir(t) + "/x.sock"
		l, err := net.Listen("unix", path)
		must(t, err)
		go answerAll(l, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", tc.answer)
		client, err := admin.Dial(t.Context(), path)
		must(t, err)
		for _, err := range client.List(t.Context(), admin.Filter{}) {
			if err == nil {
				continue
			}
			if tc.want == "no answer" && errors.Is(err, admin.ErrNoAnswer) {
				continue
			}
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(t, l.Close())
	}
}

// answerAll answers one request after another, each on its connection.
func answerAll(l net.Listener, answers ...string) {
	for _, answer := range answers {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err == nil {
			io.Copy(io.Discard, r.Body)
			io.WriteString(conn, answer)
		}
		conn.Close()
	}
}
