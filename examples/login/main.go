// Login is a small shop with user accounts: a cart that survives the login, a new token at every
// login, the list of one's devices, logging out the others, and pages that notice at once when
// their session has ended.
//
//	go run ./examples/login
//
// It is a demo in one respect: the users and their password stand in users.go.
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
	shop, err := newShop(store)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "listening on http://%s\n", ln.Addr())
	srv := &http.Server{Handler: shop.handler(), ReadHeaderTimeout: 10 * time.Second}
	srv.RegisterOnShutdown(shop.hub.close) // streams never end by themselves
	return serve(ctx, srv, ln)
}

// serve serves until ctx is done and the requests under way are answered.
func serve(ctx context.Context, srv *http.Server, ln net.Listener) error {
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
