// Token counts views for clients that keep no cookies: they get a token once and send it along in
// the header X-AUTH-TOKEN. The page at / shows how a script does it.
//
//	go run ./examples/token
//	curl -X POST localhost:8080/session
//	curl -H 'X-AUTH-TOKEN: …' localhost:8080/views
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
	handler, err := newHandler(store)
	if err != nil {
		return err
	}
	return serve(ctx, addr, handler, out)
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
