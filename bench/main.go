// Command bench measures this library beside what people would use instead, each in a process of
// its own, in turns.
//
//	go -C bench run . [-quick] [-only NAME[,NAME]] [-json FILE] [-plots DIR] [-report FILE[,FILE]]
//	go -C bench run . -from FILE [-plots DIR] [-report FILE[,FILE]]
//
// It prints tables, and exits with 1 when a promise on speed is missed. A whole run takes about 20
// minutes of a machine that does nothing else; -quick a part of a minute, says nothing of speed and
// is held against no promise. It needs Linux, a C compiler for the SQLite driver and, to count
// syncs, strace. Files are under the system's directory for temporary files, which should be on a
// disk: set TMPDIR where it is in memory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/boltsession/session/bench/internal/proc"
)

func main() {
	err := run()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2) // flag has told
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 && os.Args[1] == proc.ChildArg {
		// A signal to the group is for the parent, which ends its children by their input.
		signal.Ignore(os.Interrupt, syscall.SIGTERM)
		return proc.Child(os.Args[2:], os.Stdin, os.Stdout)
	}
	o, err := parse(os.Args[1:])
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return o.execute(ctx)
}
