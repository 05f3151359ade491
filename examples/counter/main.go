// Counter counts each visitor's views, in a session that a cookie names. Kill it as hard as you
// like: every view that was answered is counted.
//
//	go run ./examples/counter -addr localhost:8080 -db sessions.db
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/boltsession/session"
)

func main() {
	addr := flag.String("addr", "localhost:8080", "address to listen on")
	db := flag.String("db", "sessions.db", "file of the session store, made if missing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *addr, *db, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx is done. Then requests under way are answered, and the store is closed.
func run(ctx context.Context, addr, db string, out io.Writer) (err error) {
	store, err := session.Open(db, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	sessions, err := session.New(store, nil)
	if err != nil {
		return err
	}
	return serve(ctx, addr, sessions.Handler(routes()), out)
}

const views session.Key[int] = "views"

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", count)
	mux.Handle("/", http.NotFoundHandler())
	return mux
}

// count counts a view. It is on disk before the response's first byte.
func count(w http.ResponseWriter, r *http.Request) {
	n, err := views.Update(session.From(r), func(n int) int { return n + 1 })
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "views: %d\n", n)
}

// serve serves h at addr until ctx is done and the requests under way are answered.
func serve(ctx context.Context, addr string, h http.Handler, out io.Writer) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on http://%s\n", ln.Addr())
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	patient, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return srv.Shutdown(patient)
}
