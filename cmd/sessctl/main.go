// Sessctl looks at a store of sessions, and steers it.
//
// Data goes to standard output, words to standard error. The exit status is 0 when all went
// well, 1 when it did not and 2 when the command line made no sense.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // whoever interrupts twice does not want to wait
	os.Exit(run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// streams are what a command reads and writes.
type streams struct {
	in  io.Reader
	out io.Writer // data
	err io.Writer // words
}
