//go:build linux

package hostile

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"github.com/boltsession/session"
	"github.com/boltsession/session/admin"
	"github.com/boltsession/session/internal/torture/trial"
)

func runSocket(ctx context.Context, t *trial.Trial) error {
	if err := os.Chmod(t.Dir, 0o755); err != nil { // for the other user
		return err
	}
	return t.Each(ctx,
		check("other users", otherUsers),
		check("stale sockets", staleSockets),
		check("live sockets", liveSockets),
		check("occupied places", occupiedPlaces),
		check("flood", flood),
		check("fuzz", fuzzSocket),
	)
}

// startServed starts an app with a socket, in a negative control a careless one.
func startServed(ctx context.Context, t *trial.Trial, dir, careless string, fill int) (*actor, error) {
	kind := "real"
	if t.Broken {
		kind = careless
	}
	return startApp(ctx, t, appConfig{Dir: dir, Socket: kind, Fill: fill})
}

// subdir makes a directory that another user can get through.
func subdir(t *trial.Trial) (string, error) {
	dir, err := os.MkdirTemp(t.Dir, "d")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// socketIn returns the path of the socket of the store in dir.
func socketIn(dir string) string { return filepath.Join(dir, "sessions.db.sock") }

// serveCarelessly is how one would do it without thinking of anybody hostile.
func (a *app) serveCarelessly(replace bool) error {
	_, err := careless(socketIn(a.config.Dir), replace, session.NewAdminBackend(a.store))
	return err
}

func careless(path string, replace bool, b admin.Backend) (io.Closer, error) {
	if replace {
		os.Remove(path)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: admin.Handler(b), ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			go runtime.GC() // as costly as what a careless server may do for each client
		}
	}}
	go server.Serve(l)
	return server, nil
}

// serveAt serves a socket as the package does, or carelessly.
func serveAt(t *trial.Trial, path string, b admin.Backend) (io.Closer, error) {
	if t.Broken {
		return careless(path, true, b)
	}
	return admin.Serve(path, b, quietLog())
}

// process returns who serves a socket.
func process(ctx context.Context, path string) (string, error) {
	client, err := admin.Dial(ctx, path)
	if err != nil {
		return "", err
	}
	stats, err := client.Stats(ctx)
	return stats.Process, errors.Join(err, client.Close())
}
